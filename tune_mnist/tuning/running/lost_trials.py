"""Trials that Ray ends without notifying the searcher or the callbacks."""

from collections.abc import Callable
from typing import Any

from ray.tune import Callback
from ray.tune.experiment import Trial

from tune_mnist.tuning.searching.searcher import StudySearch
from tune_mnist.tuning.trials.reports import NUMBER

LOST_WORKER = "its worker was not ready in time"


class LostTrials(Callback):
    """Reports trials that Ray ended without a callback, so the searcher does not wait for them.

    Ray does so when a reused worker has not finished its earlier trial in time. Ray also does so
    when the whole search ends early; those trials have not failed, and a resumed search continues
    them.

    Args:
        searcher: Searcher that suggested the trials.
        ends: Function that returns whether the whole search is ending.
    """

    def __init__(self, searcher: StudySearch, ends: Callable[[], bool] = lambda: False) -> None:
        self._searcher = searcher
        self._ends = ends
        self._trials: dict[str, Trial] = {}

    def __getstate__(self) -> dict[str, Any]:
        # Ray pickles callbacks with the experiment state; a resumed search reads only the study.
        return {}

    def on_step_end(self, iteration: int, trials: list[Trial], **info: Any) -> None:
        """Mark trials as failed that have ended since the last step."""
        if self._ends():
            return
        # Index Ray's list only when there are new trials: it is long, and its order changes.
        handed_out = self._searcher.handed_out()
        if handed_out - self._trials.keys():
            self._trials = {trial.trial_id: trial for trial in trials}
        for trial_id in handed_out:
            trial = self._trials.get(trial_id)
            if trial is not None and trial.is_finished():
                self._searcher.trial_store.fail(trial.config[NUMBER], LOST_WORKER)
                self._searcher.on_trial_complete(trial.trial_id, error=True)
