"""A sampler that draws each trial from a state of its own, and sees unfinished trials too."""

import copy
from collections import Counter
from collections.abc import Callable, Container, Sequence
from functools import cached_property
from typing import Any, cast

import numpy as np
import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution
from optuna.samplers import BaseSampler, RandomSampler
from optuna.trial import FrozenTrial, TrialState

from tune_mnist.tuning.recording.trial_store import own_trials

MODEL = "model"
FIXED_PARAMETERS = "fixed_params"
"""System attribute in which Optuna keeps what a queued trial is to try."""


class PerTrialSampler(BaseSampler):
    """Draws each trial with a sampler of its own, seeded by the search and the trial's number.

    A search that was killed and resumed therefore draws what it would have drawn anyway: there is
    no random state to lose. The sampler is shown unfinished trials as pruned at their last epoch,
    so that it learns from trials that run or are paused, at whatever rung.

    Several architectures take turns: a trial gets the one that has had the fewest trials, and its
    other hyperparameters are drawn from what the trials of that architecture have shown. Drawn
    freely, the architecture that learns fastest would take nearly all trials, and the search
    could not say which one is best.

    A model of what is good needs something good. As long as all trials guess, their accuracies
    differ by the shares of the classes only, and a model would search where the most frequent
    class won: until a trial has learned something, the draws are random.

    Args:
        make: Returns a sampler, from a seed.
        seed: Seed of the search.
        learns: Whether the sampler draws by the results of earlier trials.
        models: Architectures that take turns; empty: the sampler draws them, or there is one.
        sees_running: Whether the sampler itself makes allowance for trials that still run; they
            are then shown to it as they are.
        chance_level: val_accuracy that a network which has learned exceeds.
    """

    def __init__(
        self,
        make: Callable[[int], BaseSampler],
        seed: int,
        *,
        learns: bool = False,
        models: tuple[str, ...] = (),
        sees_running: bool = False,
        chance_level: float,
    ) -> None:
        self._make = make
        self._seed = seed
        self._learns = learns
        self._models = models
        self._sees_running = sees_running
        self._chance_level = chance_level
        self._model: str | None = None
        self._inner = make(seed)
        self._seen: tuple[int, Any] | None = None

    def infer_relative_search_space(
        self, study: optuna.Study, trial: FrozenTrial
    ) -> dict[str, BaseDistribution]:
        """Return which parameters are modelled together."""
        space = self._inner.infer_relative_search_space(self._view(study, trial), trial)
        if self._model is None:
            return space
        return {**space, MODEL: CategoricalDistribution(self._models)}

    def sample_relative(
        self, study: optuna.Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """Draw the parameters that are modelled together."""
        view = self._view(study, trial)
        if self._model is None:
            return self._inner.sample_relative(view, trial, search_space)
        others = {name: kind for name, kind in search_space.items() if name != MODEL}
        return {**self._inner.sample_relative(view, trial, others), MODEL: self._model}

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
        """Make the sampler of a trial that begins."""
        if self._models:
            self._model = next_model(study, trial, self._models)
            self._seen = None
        state = int(np.random.SeedSequence([self._seed, trial.number]).generate_state(1)[0])
        view = self._view(study, trial)
        blind = self._learns and not any(map(self._has_learned, view.get_trials(deepcopy=False)))
        self._inner = RandomSampler(state) if blind else self._make(state)
        self._inner.before_trial(view, trial)

    def after_trial(
        self,
        study: optuna.Study,
        trial: FrozenTrial,
        state: TrialState,
        values: Sequence[float] | None,
    ) -> None:
        """Tell the sampler that a trial has ended."""
        self._inner.after_trial(cast(optuna.Study, _StudyView(study)), trial, state, values)

    def _has_learned(self, trial: FrozenTrial) -> bool:
        seen = [*trial.intermediate_values.values(), *(trial.values or ())[:1]]
        return max(seen, default=0.0) > self._chance_level

    def _view(self, study: optuna.Study, trial: FrozenTrial) -> Any:
        # A sampler asks for all trials several times while it draws one, and they stay the same.
        if self._seen is None or self._seen[0] != trial.number:
            view = _StudyView(study, self._model, as_pruned=not self._sees_running)
            self._seen = (trial.number, view)
        return self._seen[1]


def next_model(study: optuna.Study, trial: FrozenTrial, models: tuple[str, ...]) -> str:
    """Return the architecture of a trial: that of the queue, or the one with the fewest trials.

    Args:
        study: Study of the search; trials taken over from another search do not count.
        trial: Trial that is about to be drawn.
        models: Architectures in the order of the space.
    """
    fixed = trial.system_attrs.get(FIXED_PARAMETERS, {}).get(MODEL)
    if fixed is not None:
        return str(fixed)
    counts = Counter(
        other.params.get(MODEL)
        for other in own_trials(study)
        if other.number < trial.number and MODEL in other.params
    )
    return min(models, key=lambda model: (counts[model], models.index(model)))


class _StudyView:
    """A study whose unfinished trials look pruned at their last epoch.

    Its trials are read once, at the first use.

    Args:
        study: The real study.
        model: Architecture whose trials are shown; None: all trials.
        as_pruned: Whether unfinished trials look pruned.
    """

    def __init__(
        self, study: optuna.Study, model: str | None = None, *, as_pruned: bool = True
    ) -> None:
        self._study = study
        self._model = model
        self._as_pruned = as_pruned

    @cached_property
    def _trials(self) -> list[FrozenTrial]:
        return [
            _pruned(trial) if self._as_pruned else trial
            for trial in self._study.get_trials(deepcopy=False)
            if self._model is None or trial.params.get(MODEL) == self._model
        ]

    def __getattr__(self, name: str) -> Any:
        return getattr(self._study, name)

    def stop(self) -> None:
        """Ignore that a grid is exhausted: the search limits the number of trials."""

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


def _pruned(trial: FrozenTrial) -> FrozenTrial:
    if trial.state is not TrialState.RUNNING or not trial.intermediate_values:
        return trial
    shown = copy.copy(trial)
    shown.state = TrialState.PRUNED
    return shown
