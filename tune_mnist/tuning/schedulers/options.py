"""Options of a scheduler."""

from dataclasses import dataclass

from tune_mnist.tuning.schedulers.rungs import rung_epochs

OWN_OPTIONS = ("grace_period", "reduction_factor", "brackets", "perturbation_interval")
"""Options of a search that only some schedulers take; each scheduler names those it accepts."""


@dataclass(frozen=True)
class SchedulerOptions:
    """How trials are stopped early.

    Attributes:
        name: Name of the scheduler, no alias.
        max_epochs: Epochs of a trial that is not stopped.
        grace_period: Epochs that every trial gets; the first rung of ASHA.
        reduction_factor: ASHA and HyperBand keep the best of that many.
        brackets: Number of ASHA's brackets; the second begins a rung later, and so on.
        perturbation_interval: Epochs between two comparisons of a population.
        seed: Seed of the scheduler's random choices.
        num_samples: Number of trials of the search.
        imported: Number of trials in the study that were taken over from another search.
        max_concurrent: Number of trials that run at a time.
        rungs: Epochs of ASHA's rungs; None: grace_period * reduction_factor^k.
        architectures: Number of architectures that share the trials.
        queued: Most trials of one architecture that are queued to be tried first.
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
        """The epochs of ASHA's rungs."""
        if self.rungs is not None:
            return self.rungs
        return rung_epochs(self.max_epochs, self.grace_period, self.reduction_factor)
