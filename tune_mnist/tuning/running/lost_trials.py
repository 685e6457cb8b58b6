"""Trials that Ray ends without a word to searcher or callbacks."""

from typing import Any

from ray.tune import Callback
from ray.tune.experiment import Trial

from tune_mnist.tuning.searching.searcher import StudySearch
from tune_mnist.tuning.trials.reports import NUMBER

REASON = "its worker did not get ready for it in time"


class LostTrials(Callback):
    """Tells the searcher of them: it would wait for their end for ever.

    Ray does so when a worker that is to be used again is not through with its earlier trial.

    Args:
        searcher: has handed out the trials.
    """

    def __init__(self, searcher: StudySearch) -> None:
        self._searcher = searcher
        self._trials: dict[str, Trial] = {}

    def __getstate__(self) -> dict[str, Any]:
        # Ray pickles the callbacks beside the experiment's state; the study is all we need.
        return {}

    def on_step_end(self, iteration: int, trials: list[Trial], **info: Any) -> None:
        """Close the records of those that have ended since."""
        # Ray's list is long, and its order changes: a trial that tries again goes to its end.
        handed_out = self._searcher.handed_out()
        if handed_out - self._trials.keys():
            self._trials = {trial.trial_id: trial for trial in trials}
        for trial_id in handed_out:
            trial = self._trials.get(trial_id)
            if trial is not None and trial.is_finished():
                self._searcher.ledger.fail(trial.config[NUMBER], REASON)
                self._searcher.on_trial_complete(trial.trial_id, error=True)
