"""Options of the schedulers."""

from dataclasses import dataclass

from tune_mnist.tuning.schedulers.rungs import rung_epochs

OWN_OPTIONS = ("grace_period", "reduction_factor", "brackets", "perturbation_interval")
"""Names of the search options that only some schedulers accept."""


@dataclass(frozen=True)
class SchedulerOptions:
    """Options of a search's scheduler. Each scheduler uses only some of them.

    Attributes:
        name: Name of the scheduler, not an alias.
        max_epochs: Maximum epochs per trial, at least 1.
        grace_period: Minimum epochs per trial, and the epoch of ASHA's first rung.
        reduction_factor: Factor by which ASHA and HyperBand reduce the number of trials at each
            rung, at least 2.
        brackets: Number of ASHA's brackets. Bracket s starts at rung s.
        perturbation_interval: Number of epochs between two comparisons of a population.
        seed: Random seed of the scheduler.
        num_samples: Number of trials that the search runs.
        imported: Number of trials in the study that were imported from another search.
        max_concurrent: Maximum number of concurrent trials.
        rungs: Epochs of ASHA's rungs, ascending and below max_epochs. If None, they are
            grace_period * reduction_factor^k.
        architectures: Number of architectures that share the trials.
        queued: Number of queued configurations of the architecture that has the most of them.
    """

    name: str
    max_epochs: int
    grace_period: int = 1
    reduction_factor: int = 3
    brackets: int = 1
    perturbation_interval: int = 1
    seed: int = 0
    num_samples: int = 1
    imported: int = 0
    max_concurrent: int = 1
    rungs: tuple[int, ...] | None = None
    architectures: int = 1
    queued: int = 0

    @property
    def rung_epochs(self) -> tuple[int, ...]:
        """Epochs of ASHA's rungs, ascending."""
        if self.rungs is not None:
            return self.rungs
        return rung_epochs(self.max_epochs, self.grace_period, self.reduction_factor)
