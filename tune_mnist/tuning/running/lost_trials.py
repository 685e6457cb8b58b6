"""Detection of trials that Ray ends without notifying the searcher or the callbacks."""

from collections.abc import Callable
from typing import Any

from ray.tune.experiment import Trial

from tune_mnist.tuning.recording.stateless_callback import StatelessCallback
from tune_mnist.tuning.searching.searcher import StudySearch
from tune_mnist.tuning.trials.reports import NUMBER

LOST_WORKER = "its worker was not ready in time"


class LostTrials(StatelessCallback):
    """Callback that tells the searcher about trials that Ray has ended without notifying it.

    The searcher would wait for these trials. Ray ends a trial in this way if a reused worker has
    not finished its previous trial in time. Ray also does so if the whole search ends early. In
    the latter case nothing is reported, because the trials have not failed and a resumed search
    continues them.

    Args:
        searcher: Searcher that suggested the trials.
        ends: Function that returns whether the whole search is being ended.
    """

    def __init__(self, searcher: StudySearch, ends: Callable[[], bool] = lambda: False) -> None:
        self._searcher = searcher
        self._ends = ends
        self._count = 0
        """Length of Ray's list of trials when it was last read. Ray appends every new trial."""
        self._unfinished: dict[str, Trial] = {}
        """Trials that had been suggested and had not ended at the end of the last step, keyed by
        Ray's ID."""

    def on_step_end(self, iteration: int, trials: list[Trial], **info: Any) -> None:
        """Record lost trials as failed."""
        if self._ends():
            return
        if len(trials) > self._count:
            self._count = len(trials)
            new = set(self._searcher.handed_out() - self._unfinished.keys())
            for trial in reversed(trials):
                if not new:
                    break
                if trial.trial_id in new:
                    self._unfinished[trial.trial_id] = trial
                    new.remove(trial.trial_id)
        ended = [trial for trial in self._unfinished.values() if trial.is_finished()]
        for trial in ended:
            del self._unfinished[trial.trial_id]
            if trial.trial_id in self._searcher.handed_out():
                self._searcher.trial_store.fail(trial.config[NUMBER], LOST_WORKER)
                self._searcher.on_trial_complete(trial.trial_id, error=True)
