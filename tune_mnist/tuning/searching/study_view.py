"""Views of a study that show a sampler unfinished and diverged trials in a form it learns from."""

import copy
from collections.abc import Container
from functools import cached_property
from typing import Any

import optuna
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

from tune_mnist.tuning.searching.history import BoundedHistory
from tune_mnist.tuning.spaces.architectures import MODEL
from tune_mnist.tuning.trials.reports import DIVERGED


class StudyView:
    """View of a study in which a sampler can learn from unfinished and diverged trials.

    Optuna's samplers ignore failed trials. A diverged trial has failed because of its
    configuration, so the view shows it as a bad trial: pruned before the first epoch or, to a
    sampler that learns only from complete trials, complete with the worst values so far.

    The trials are read once, at the first use. All other attributes are those of the study.

    Args:
        study: Study to view.
        model: Architecture whose trials are shown. If None, the trials of all architectures are
            shown.
        history: Selector of the trials that are shown. If None, all trials are shown.
        unfinished_as_pruned: Whether to show an unfinished trial as pruned at its last epoch.
        diverged_as_complete: Whether to show a diverged trial as complete instead of pruned.
    """

    def __init__(
        self,
        study: optuna.Study,
        model: str | None = None,
        history: BoundedHistory | None = None,
        *,
        unfinished_as_pruned: bool = True,
        diverged_as_complete: bool = False,
    ) -> None:
        self._study = study
        self._model = model
        self._history = history
        self._unfinished_as_pruned = unfinished_as_pruned
        self._diverged_as_complete = diverged_as_complete

    @cached_property
    def _trials(self) -> list[FrozenTrial]:
        if self._history is not None:
            return [self._shown(each) for each in self._history.select(self._study, self._model)]
        return [
            self._shown(trial)
            for trial in self._study.get_trials(deepcopy=False)
            if self._model is None or trial.params.get(MODEL) == self._model
        ]

    @cached_property
    def _worst(self) -> list[float] | None:
        """The worst value of each objective, or None if no trial is complete."""
        complete = self._study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
        if not complete:
            return None
        columns = zip(*(trial.values for trial in complete), strict=True)
        return [
            max(column) if direction is StudyDirection.MINIMIZE else min(column)
            for column, direction in zip(columns, self._study.directions, strict=True)
        ]

    def __getattr__(self, name: str) -> Any:
        return getattr(self._study, name)

    def stop(self) -> None:
        """Do nothing when Optuna calls this for an exhausted grid, as the search limits trials."""

    @property
    def trials(self) -> list[FrozenTrial]:
        """Copies of the trials that the view shows to the sampler."""
        return self.get_trials()

    def get_trials(
        self, deepcopy: bool = True, states: Container[TrialState] | None = None
    ) -> list[FrozenTrial]:
        """Return the trials that the view shows to the sampler.

        Args:
            deepcopy: Whether to return copies of the trials.
            states: States of the trials to return. If None, trials in any state are returned.
        """
        shown = [trial for trial in self._trials if states is None or trial.state in states]
        return copy.deepcopy(shown) if deepcopy else shown

    def _get_trials(
        self,
        deepcopy: bool = True,
        states: Container[TrialState] | None = None,
        use_cache: bool = False,
    ) -> list[FrozenTrial]:
        return self.get_trials(deepcopy, states)

    def _shown(self, trial: FrozenTrial) -> FrozenTrial:
        if trial.state is TrialState.FAIL and trial.user_attrs.get(DIVERGED):
            return self._as_bad(trial)
        running = trial.state is TrialState.RUNNING and trial.intermediate_values
        if not running or not self._unfinished_as_pruned:
            return trial
        shown = copy.copy(trial)
        shown.state = TrialState.PRUNED
        return shown

    def _as_bad(self, trial: FrozenTrial) -> FrozenTrial:
        if self._diverged_as_complete and self._worst is None:
            return trial
        shown = copy.copy(trial)
        if self._diverged_as_complete:
            shown.state, shown.values = TrialState.COMPLETE, self._worst
            return shown
        shown.state = TrialState.PRUNED
        # TPE ranks pruned trials by their last epoch first, so epoch 0 ranks last. CMA-ES needs a
        # value. With several objectives, Optuna supports no intermediate values.
        shown.intermediate_values = {0: 0.0} if len(self._study.directions) == 1 else {}
        return shown
