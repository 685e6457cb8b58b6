"""Early end of a whole search, at a target or without improvement."""

import math
import time
from collections.abc import Callable
from typing import Any

from ray.tune import Stopper

from tune_mnist.tuning.planning.search_context import SearchContext
from tune_mnist.tuning.recording.trial_record import BROKEN, TrialRecord
from tune_mnist.tuning.running.stop_reason import StopReason
from tune_mnist.tuning.searching.searcher import StudySearch
from tune_mnist.tuning.trials.reports import DISK_FULL, STORAGE_LOST

_CHECKPOINT_ENDINGS = {DISK_FULL: StopReason.DISK_FULL, STORAGE_LOST: StopReason.STORAGE_LOST}


class SearchStopper(Stopper):
    """Ray Tune stopper that ends a whole search early.

    The search ends when it reaches the target accuracy, no longer improves, has used up its time
    budget, must leave time for the final evaluation, or can no longer write checkpoints. Running
    trials are left unfinished, so the search can be resumed. Ray's own ``time_budget_s`` is not
    used, because Ray marks these trials as ended without saying why.

    A trial is an improvement if its accuracy exceeds the best accuracy so far by more than the
    standard error of the best accuracy, sqrt(p (1 - p) / val_images).

    Args:
        context: Context of the search.
        searcher: Searcher that holds the records of the trials.
        time_is_up: Function that returns whether the rest of ``--budget`` is needed for the final
            evaluation.

    Attributes:
        reason: Message about the storage failure that ended the search. Empty if there was no
            failure.
        stop_reason: Reason why the search ended, or None while it is running.
    """

    def __init__(
        self,
        context: SearchContext,
        searcher: StudySearch,
        time_is_up: Callable[[], bool] = lambda: False,
    ) -> None:
        self._searcher = searcher
        self._target = context.options.target_accuracy
        self._patience = context.options.patience
        self._time_budget = context.options.time_budget
        self._end: float | None = None
        self._val_images = context.val_images
        fidelity = context.settings.fidelity
        self._last_stage = len(fidelity.stages) if fidelity else 0
        self._time_is_up = time_is_up
        self.reason = ""
        self.stop_reason: StopReason | None = None

    def __getstate__(self) -> dict[str, Any]:
        # Ray pickles the stopper with the experiment state every few seconds. A resumed search
        # needs no state of the stopper, and time_is_up refers to the data set.
        return {}

    def __call__(self, trial_id: str, result: dict[str, Any]) -> bool:
        """Check a report for a storage failure.

        Returns:
            False, since the stopper ends only the whole search, never a single trial.
        """
        for key, stop_reason in _CHECKPOINT_ENDINGS.items():
            if key in result and not self.reason:
                self.reason, self.stop_reason = result[key], stop_reason
        return False

    def stop_all(self) -> bool:
        """Return whether the search ends now. Ray calls this method in every step."""
        if self.stop_reason is None and self._at_target():
            self.stop_reason = StopReason.TARGET_REACHED
        if self.stop_reason is None and self._out_of_patience():
            self.stop_reason = StopReason.NO_IMPROVEMENT
        if self.stop_reason is None and (self._budget_is_used_up() or self._time_is_up()):
            self.stop_reason = StopReason.OUT_OF_TIME
        return self.stop_reason is not None

    def start_time_budget(self) -> None:
        """Start the time of ``--time-budget``, if there is one. Call it before the first trial."""
        if self._time_budget is not None:
            self._end = time.monotonic() + self._time_budget

    def ends(self) -> bool:
        """Return whether the search is over, because of ``stop_all`` or a trial's report."""
        return self.stop_reason is not None

    def _budget_is_used_up(self) -> bool:
        return self._end is not None and time.monotonic() >= self._end

    def _at_target(self) -> bool:
        target = self._target
        return target is not None and any(
            record.val_accuracy >= target
            for record in self._searcher.trial_store.records
            if record.stage == self._last_stage and record.state not in BROKEN
        )

    def _out_of_patience(self) -> bool:
        if self._patience is None:
            return False
        records = {record.number: record for record in self._searcher.trial_store.records}
        ended = [
            (trial.datetime_complete, records[trial.number])
            for trial in self._searcher.study.get_trials(deepcopy=False)
            if trial.datetime_complete is not None and trial.number in records
        ]
        ended.sort(key=lambda pair: pair[0])
        return without_improvement([record for _, record in ended], self._val_images) >= (
            self._patience
        )


def without_improvement(ended: list[TrialRecord], val_images: int) -> int:
    """Return the number of trials that ended since the last improvement.

    A trial is an improvement if its accuracy exceeds the best accuracy so far by more than the
    standard error of the best accuracy, or if it reached a later stage than all earlier trials.

    Args:
        ended: Records of the ended trials, in the order in which they ended.
        val_images: Number of validation images of a trial.
    """
    best: tuple[int, float] | None = None
    since = 0
    for record in ended:
        since += 1
        if record.state in BROKEN or not record.best_epoch:
            continue
        if best is None or record.stage > best[0]:
            improved = True
        else:
            noise = math.sqrt(max(best[1] * (1 - best[1]), 0.0) / val_images)
            improved = record.stage == best[0] and record.val_accuracy > best[1] + noise
        if improved:
            best, since = (record.stage, record.val_accuracy), 0
    return since
