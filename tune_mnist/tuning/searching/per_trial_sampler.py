"""A sampler that draws each trial from a state of its own, and sees unfinished trials too."""

import copy
from collections.abc import Callable, Container, Sequence
from functools import cached_property
from typing import Any

import numpy as np
import optuna
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler, RandomSampler
from optuna.trial import FrozenTrial, TrialState

GUESSED = 0.2
"""A val_accuracy that guessing among ten classes never comes to."""


class PerTrialSampler(BaseSampler):
    """Lets another sampler draw each trial, from a random state that the trial's number decides.

    A search that was killed and resumed therefore draws what it would have drawn anyway: there is
    no random state to be lost. And the sampler is shown unfinished trials as pruned at their last
    epoch, so that it learns from those that run or are paused, at whatever rung they stand.

    A model of what is good needs something good. As long as all trials guess, their accuracies
    differ by the shares of the classes only, and a model would search where the most frequent
    class won: until a trial has learned something, the draws are random.

    Args:
        make: builds the sampler from a seed.
        seed: of the search.
        learns: whether it draws by what earlier trials came to.
    """

    def __init__(
        self, make: Callable[[int], BaseSampler], seed: int, *, learns: bool = False
    ) -> None:
        self._make = make
        self._seed = seed
        self._learns = learns
        self._inner = make(seed)
        self._seen: tuple[int, Any] | None = None

    def infer_relative_search_space(
        self, study: optuna.Study, trial: FrozenTrial
    ) -> dict[str, BaseDistribution]:
        """Return which parameters are modelled together."""
        return self._inner.infer_relative_search_space(self._view(study, trial), trial)

    def sample_relative(
        self, study: optuna.Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """Draw the parameters that are modelled together."""
        return self._inner.sample_relative(self._view(study, trial), trial, search_space)

    def sample_independent(
        self,
        study: optuna.Study,
        trial: FrozenTrial,
        param_name: str,
        param_distribution: BaseDistribution,
    ) -> Any:
        """Draw a parameter by itself."""
        return self._inner.sample_independent(
            self._view(study, trial), trial, param_name, param_distribution
        )

    def before_trial(self, study: optuna.Study, trial: FrozenTrial) -> None:
        """Begin a trial: renew the random state."""
        state = int(np.random.SeedSequence([self._seed, trial.number]).generate_state(1)[0])
        view = self._view(study, trial)
        blind = self._learns and not any(map(_has_learned, view.get_trials(deepcopy=False)))
        self._inner = RandomSampler(state) if blind else self._make(state)
        self._inner.before_trial(view, trial)

    def after_trial(
        self,
        study: optuna.Study,
        trial: FrozenTrial,
        state: TrialState,
        values: Sequence[float] | None,
    ) -> None:
        """Pass on that a trial has ended."""
        self._inner.after_trial(_as_pruned(study), trial, state, values)

    def _view(self, study: optuna.Study, trial: FrozenTrial) -> Any:
        # A sampler asks for all trials several times while it draws one, and they stay the same.
        if self._seen is None or self._seen[0] != trial.number:
            self._seen = (trial.number, _as_pruned(study))
        return self._seen[1]


class _StudyView:
    """A study whose unfinished trials look pruned at the epoch they have come to.

    Its trials stay those of the moment when they are first asked for.

    Args:
        study: the real one.
    """

    def __init__(self, study: optuna.Study) -> None:
        self._study = study

    @cached_property
    def _trials(self) -> list[FrozenTrial]:
        return [_pruned(trial) for trial in self._study.get_trials(deepcopy=False)]

    def __getattr__(self, name: str) -> Any:
        return getattr(self._study, name)

    def stop(self) -> None:
        """Ignore that a grid has been walked through: the number of trials tells that already."""

    @property
    def trials(self) -> list[FrozenTrial]:
        return self.get_trials()

    def get_trials(
        self, deepcopy: bool = True, states: Container[TrialState] | None = None
    ) -> list[FrozenTrial]:
        shown = [trial for trial in self._trials if states is None or trial.state in states]
        return copy.deepcopy(shown) if deepcopy else shown

    def _get_trials(
        self,
        deepcopy: bool = True,
        states: Container[TrialState] | None = None,
        use_cache: bool = False,
    ) -> list[FrozenTrial]:
        return self.get_trials(deepcopy, states)


def _has_learned(trial: FrozenTrial) -> bool:
    seen = [*trial.intermediate_values.values(), *(trial.values or ())[:1]]
    return max(seen, default=0.0) > GUESSED


def _as_pruned(study: optuna.Study) -> Any:
    return _StudyView(study)


def _pruned(trial: FrozenTrial) -> FrozenTrial:
    if trial.state is not TrialState.RUNNING or not trial.intermediate_values:
        return trial
    shown = copy.copy(trial)
    shown.state = TrialState.PRUNED
    return shown
