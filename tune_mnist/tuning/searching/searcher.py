"""Ray Tune searcher backed by an Optuna study that can be resumed."""

import warnings
from collections.abc import Callable
from typing import Any

import optuna
from optuna.storages import BaseStorage
from ray.tune.search import Searcher

from tune_mnist.tuning.ray_internals.study_search import OpenOptunaSearch
from tune_mnist.tuning.recording.study import STUDY_NAME
from tune_mnist.tuning.recording.trial_store import TrialStore
from tune_mnist.tuning.searching.per_trial_sampler import PerTrialSampler
from tune_mnist.tuning.spaces.space import SearchSpace
from tune_mnist.tuning.trials.reports import METRIC, NUMBER


class StudySearch(OpenOptunaSearch):
    """Ray's ``OptunaSearch`` with a study that is stored in a file and can be resumed.

    The study records a trial that the scheduler stopped as PRUNED, and a diverged or failed trial
    as FAIL. When a search is resumed, its unfinished trials are suggested again first.

    Args:
        space: Search space.
        storage: Optuna storage that contains the study.
        sampler: Sampler that draws the configurations.
        directions: ``max`` or ``min``, keyed by objective. The first objective is METRIC.
        max_epochs: Maximum epochs per trial.
        max_concurrent: Maximum number of concurrent trials. It is ignored if ``may_begin`` is
            replaced.

    Attributes:
        trial_store: Records of all trials in the study.
        left: Number of trials that remain to be suggested, or None if there is no limit.
        may_begin: Function that returns whether a new trial may be suggested now. The scheduler's
            ``wants_new_trial`` replaces the default.
        all_at_once: Whether the unfinished trials of an earlier run are suggested even if
            ``may_begin`` returns False. A scheduler that pauses pending trials needs this.
    """

    def __init__(
        self,
        space: SearchSpace,
        storage: BaseStorage,
        sampler: PerTrialSampler,
        directions: dict[str, str],
        max_epochs: int,
        max_concurrent: int,
    ) -> None:
        several = len(directions) > 1
        super().__init__(
            space=space.sample,
            metric=list(directions) if several else METRIC,
            mode=list(directions.values()) if several else directions[METRIC],
            sampler=sampler,
            storage=storage,
            study_name=STUDY_NAME,
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            self.study.set_metric_names(list(directions))
        self.trial_store = TrialStore(self.study, space.model, max_epochs, tuple(directions))
        self._sampler = sampler
        self.may_begin: Callable[[], bool] = lambda: len(self._live) < max_concurrent
        self.left: int | None = None
        self.all_at_once = False
        self._live: set[str] = set()
        self._unfinished = [
            trial
            for trial in self.study.get_trials(deepcopy=False)
            if trial.state is optuna.trial.TrialState.RUNNING
        ]

    def all_begun(self) -> bool:
        """Return whether all trials have been suggested."""
        return self.left == 0

    def count_remaining(self) -> int | None:
        """Return how many trials the search can still run. No configuration is tried twice.

        Returns:
            Number of unfinished trials and untried configurations, or None if there are too many
            configurations to list.
        """
        untried = self._sampler.count_untried(self.study)
        running = (optuna.trial.TrialState.RUNNING,)
        unfinished = len(self.study.get_trials(deepcopy=False, states=running))
        return None if untried is None else untried + unfinished

    def handed_out(self) -> frozenset[str]:
        """Return Ray's IDs of the trials that have been suggested and have not ended yet."""
        return frozenset(self._live)

    def suggest(self, trial_id: str) -> dict[str, Any] | str | None:
        """Suggest the next trial. Ray calls this method when a worker is free.

        FINISHED is not returned before all trials have ended, because Ray would then release the
        worker of every trial that pauses.

        Args:
            trial_id: Ray's ID of the trial.

        Returns:
            Number and configuration of the trial, None if no trial may start now, or FINISHED if
            all trials have ended.
        """
        if self.all_begun():
            return None if self._live else str(Searcher.FINISHED)
        if not (self._unfinished and self.all_at_once) and not self.may_begin():
            return None
        if self._unfinished:
            self.suggest_again(trial_id, self._unfinished.pop(0))
        if self.left is not None:
            self.left -= 1
        self._live.add(trial_id)
        config = super().suggest(trial_id)
        trial = self.trial(trial_id)
        self.trial_store.begin(trial, trial_id, config)
        record = self.trial_store.record(trial.number)
        return {NUMBER: trial.number, **record.config_of(record.epochs + 1)}

    def on_trial_result(self, trial_id: str, result: dict[str, Any]) -> None:
        """Record the metrics of an epoch in the study. Ray calls this after each report."""
        self.trial_store.add_epoch(self.trial(trial_id).number, result)

    def on_trial_complete(
        self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False
    ) -> None:
        """Record the end of a trial in the study. Ray calls this method once per trial.

        The end of a failed trial is recorded by the recorder instead, because Ray does not tell
        the searcher why a trial failed.
        """
        self._live.discard(trial_id)
        if not error:
            self.trial_store.end(self.trial(trial_id).number, result or {})

    def save(self, checkpoint_path: str) -> None:
        """Write a placeholder file for Ray. All state is in the study."""
        with open(checkpoint_path, "w", encoding="utf-8") as file:  # noqa: PTH123 - Ray's text
            file.write("the state of the search is in its study\n")

    def restore(self, checkpoint_path: str) -> None:
        """Do nothing. Ray calls this to resume a search, but all state is in the study."""
