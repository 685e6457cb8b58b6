"""Base class of all searchers."""

from dataclasses import dataclass
from typing import ClassVar

from optuna.samplers import BaseSampler

from tune_mnist.tuning.spaces.space import SearchSpace


@dataclass(frozen=True)
class SamplerMaker:
    """Factory that makes a new Optuna sampler for each trial of a search.

    To add a searcher, write a subclass and enter it in
    :mod:`tune_mnist.tuning.searching.registry`. The subclass implements ``make`` and overrides
    those class attributes whose defaults do not apply. Since each trial is drawn by a new sampler,
    a sampler must compute its state from the study.

    Attributes:
        space: Search space.
        startup: Number of trials that a model-based sampler draws at random before it uses its
            model.
        seed: Seed of the search, for samplers whose trials share one random sequence.
        learns: Whether the sampler learns from earlier trials. Trials are then drawn at random
            until one exceeds the chance level.
        sees_running: Whether the sampler takes running trials into account. If so, it sees
            unfinished trials as running, otherwise as pruned.
        needs_complete_trials: Whether the sampler learns only from trials that trained all epochs.
        bounded_history: Whether the sampler sees only the best and the latest trials, so that a
            draw takes the same time at any number of trials.
        single_objective: Whether the sampler supports only one objective.
        enumerates: Whether the number of a trial determines its configuration, as in a grid. The
            search then queues no configurations, and architectures do not take turns.
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
            UserError: The sampler does not support the space. The message gives the reason.
        """

    @classmethod
    def count(cls, space: SearchSpace) -> int | None:  # noqa: ARG003
        """Return the number of configurations, or None if the searcher does not enumerate them."""
        return None
