"""A study as a sampler sees it: which trials are shown, and how."""

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
    """A study in which unfinished trials look pruned, and diverged ones bad.

    Optuna's samplers leave out failed trials. A trial that diverged is not bad luck: its
    configuration is bad, and the sampler learns so. It looks pruned before the first epoch, or,
    for a sampler that learns from complete trials only, complete with the worst values so far.

    The trials are read once, at the first use.

    Args:
        study: The real study.
        model: Architecture whose trials are shown; None: all trials.
        history: Selection of the trials that are shown; None: all of them.
        unfinished_as_pruned: Whether a trial that has not ended looks pruned at its last epoch.
        diverged_as_complete: Whether a trial that diverged looks complete, instead of pruned.
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
        """The worst value of each objective among the complete trials; None: there is none."""
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
        """Ignore that a grid is exhausted: the search limits the number of trials."""

    @property
    def trials(self) -> list[FrozenTrial]:
        """Copies of the trials as the sampler sees them."""
        return self.get_trials()

    def get_trials(
        self, deepcopy: bool = True, states: Container[TrialState] | None = None
    ) -> list[FrozenTrial]:
        """Return the trials as the sampler sees them.

        Args:
            deepcopy: Whether the trials are copies.
            states: States of the trials; None: all.
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
        # TPE ranks a pruned trial by its last epoch first: epoch 0 comes after all others. CMA-ES
        # needs a value. With several objectives, Optuna knows no intermediate values.
        shown.intermediate_values = {0: 0.0} if len(self._study.directions) == 1 else {}
        return shown
