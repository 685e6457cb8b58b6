"""Trials that Ray ends without a word to searcher or callbacks."""

from collections.abc import Callable
from typing import Any

from ray.tune import Callback
from ray.tune.experiment import Trial

from tune_mnist.tuning.searching.searcher import StudySearch
from tune_mnist.tuning.trials.reports import NUMBER

LOST_WORKER = "its worker did not get ready for it in time"


class LostTrials(Callback):
    """Reports trials that Ray ended without a callback, so the searcher does not wait for them.

    Ray does so when a worker that is to be used again is not through with its earlier trial. It
    also does so when the whole search ends early: those trials have not failed, and may go on in
    a resumed search.

    Args:
        searcher: Has handed out the trials.
        ends: Returns whether the whole search is ending.
    """

    def __init__(self, searcher: StudySearch, ends: Callable[[], bool] = lambda: False) -> None:
        self._searcher = searcher
        self._ends = ends
        self._trials: dict[str, Trial] = {}

    def __getstate__(self) -> dict[str, Any]:
        # Ray pickles the callbacks beside the experiment's state; the study is all we need.
        return {}

    def on_step_end(self, iteration: int, trials: list[Trial], **info: Any) -> None:
        """Close the records of those that have ended since."""
        if self._ends():
            return
        # Ray's list is long, and its order changes: a trial that tries again goes to its end.
        handed_out = self._searcher.handed_out()
        if handed_out - self._trials.keys():
            self._trials = {trial.trial_id: trial for trial in trials}
        for trial_id in handed_out:
            trial = self._trials.get(trial_id)
            if trial is not None and trial.is_finished():
                self._searcher.trial_store.fail(trial.config[NUMBER], LOST_WORKER)
                self._searcher.on_trial_complete(trial.trial_id, error=True)
