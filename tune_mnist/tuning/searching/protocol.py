"""The protocol of a searcher: what a search asks of each of them."""

from dataclasses import dataclass
from typing import ClassVar

from optuna.samplers import BaseSampler

from tune_mnist.tuning.spaces.space import SearchSpace


@dataclass(frozen=True)
class SamplerMaker:
    """An Optuna sampler for each trial, and facts about it.

    A new searcher is a subclass and a line in :mod:`tune_mnist.tuning.searching.registry`. It
    implements ``make`` and overrides what differs from the defaults below. All state is in the
    study: each trial is drawn by a sampler of its own.

    Attributes:
        space: Search space.
        startup: Trials that a model-based sampler draws at random first.
        seed: Seed of the search, for a sequence that all trials share.
        learns: Whether it draws by the results of earlier trials. It then draws at random until a
            trial is better than guessing.
        sees_running: Whether it makes allowance for trials that still run, and is shown them as
            they are.
        needs_complete_trials: Whether it learns from trials only that are trained to their end.
        bounded_history: Whether it is shown the best and the latest trials only, so that a draw
            costs the same at any number of trials.
        single_objective: Whether it knows one objective only.
        enumerates: Whether it walks through all configurations, by the number of the trial. Then
            no trial can be queued, and architectures take no turns.
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
        """Return the sampler that draws one trial.

        Args:
            seed: Seed that depends on the search's and the trial's number.
        """
        raise NotImplementedError

    @classmethod
    def check_space(cls, space: SearchSpace) -> None:
        """Check that the sampler can search a space.

        Raises:
            UserError: It cannot; says why.
        """

    @classmethod
    def count(cls, space: SearchSpace) -> int | None:  # noqa: ARG003
        """Return the number of configurations that it can give; None: any number."""
        return None
