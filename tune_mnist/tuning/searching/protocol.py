"""Protocol that every searcher implements."""

from dataclasses import dataclass
from typing import ClassVar

from optuna.samplers import BaseSampler

from tune_mnist.tuning.spaces.space import SearchSpace


@dataclass(frozen=True)
class SamplerMaker:
    """Factory of the Optuna samplers of a search, one for each trial.

    A new searcher is a subclass and an entry in :mod:`tune_mnist.tuning.searching.registry`. It
    implements ``make`` and overrides the defaults below. Samplers keep their state in the study,
    since each trial is drawn by a new sampler.

    Attributes:
        space: Search space.
        startup: Number of trials that a model-based sampler first draws at random.
        seed: Seed of the search, for samplers whose trials share one sequence.
        learns: Whether the sampler learns from earlier trials. Its trials are drawn at random
            until a trial is better than guessing.
        sees_running: Whether the sampler takes running trials into account. It is then shown
            unfinished trials as running, otherwise as pruned.
        needs_complete_trials: Whether the sampler learns only from trials that trained all epochs.
        bounded_history: Whether the sampler is shown only the best and the latest trials, so that
            a draw takes the same time at any number of trials.
        single_objective: Whether the sampler supports only one objective.
        enumerates: Whether the number of a trial determines its configuration, as in a grid. Such
            a search has no queue, and its architectures do not take turns.
    """

    space: SearchSpace
    startup: int
    seed: int

    learns: ClassVar[bool] = False
    sees_running: ClassVar[bool] = False
    needs_complete_trials: ClassVar[bool] = False
    bounded_history: ClassVar[bool] = False
    single_objective: ClassVar[bool] = False
    enumerates: ClassVar[bool] = False

    def make(self, seed: int) -> BaseSampler:
        """Return a sampler for one trial.

        Args:
            seed: Seed derived from the seed of the search and the number of the trial.
        """
        raise NotImplementedError

    @classmethod
    def check_space(cls, space: SearchSpace) -> None:
        """Check that the sampler can search a space.

        Raises:
            UserError: The sampler does not support the space; the message says why.
        """

    @classmethod
    def count(cls, space: SearchSpace) -> int | None:  # noqa: ARG003
        """Return the number of configurations in an enumerated space; None: not enumerated."""
        return None
