"""The search in numbers while it goes, for Prometheus to scrape from Ray."""

import time
from collections import Counter
from typing import Any

from ray.tune import Callback
from ray.tune.experiment import Trial
from ray.util.metrics import Gauge

from tune_mnist.tuning.recording.trial_record import TrialState, best_record
from tune_mnist.tuning.recording.trial_store import TrialStore
from tune_mnist.tuning.trials.labels import label
from tune_mnist.tuning.trials.reports import METRIC, NUMBER, TIME_ATTR

# Ray drops a value once it has exported it, each ten seconds unless told otherwise, and one second
# at the least.
REFRESH_SECONDS = 1.0
OF_SEARCH = ("search",)
OF_TRIAL = ("search", "number", "trial")
BY_STATE = ("search", "state")
BY_TRIAL = {
    "tune_mnist_trial_val_accuracy": (METRIC, "Validation accuracy of the last epoch."),
    "tune_mnist_trial_epoch": (TIME_ATTR, "Epochs trained."),
    "tune_mnist_trial_images_per_second": ("images_per_second", "Training images a second."),
}
"""By name, what of a trial's last report it is, and its description."""

TRIALS = "tune_mnist_trials"
BEST = "tune_mnist_best_val_accuracy"
BEST_TEXT = "Best validation accuracy so far; with stages, of the latest: a new one may lower it."


class LiveMetrics(Callback):
    """Sets Ray's gauges: of each running trial, and of all trials by their state.

    They are set again and again, as Ray exports what was set since its last export: the series
    of a trial that runs no more ends by itself within three exports, so there are never many
    more series than workers, however many trials a search has.

    Args:
        search: its name.
        trial_store: the record of each trial.
    """

    def __init__(self, search: str, trial_store: TrialStore) -> None:
        # Ray 2.60 takes ASCII only for the tags of a metric, and raises for anything else.
        self._search = {"search": search.encode("ascii", "backslashreplace").decode()}
        self._ledger = trial_store
        self._next = 0.0
        self._last: dict[int, tuple[str, dict[str, Any]]] = {}
        self._by_trial = {
            Gauge(name, text, OF_TRIAL): key for name, (key, text) in BY_TRIAL.items()
        }
        self._trials = Gauge(TRIALS, "Trials by their state.", BY_STATE)
        self._best = Gauge(BEST, BEST_TEXT, OF_SEARCH)

    def __getstate__(self) -> dict[str, Any]:
        # Ray pickles the callbacks beside the experiment's state; the study is all we need.
        return {}

    def on_trial_result(self, trial: Trial, result: dict[str, Any], **info: Any) -> None:
        """Remember the last epoch of each trial."""
        if METRIC in result:
            self._last[trial.config[NUMBER]] = (label(trial.config), result)

    def on_step_end(self, iteration: int, trials: list[Trial], **info: Any) -> None:
        """Set the gauges, if it is time."""
        if time.monotonic() < self._next:
            return
        for number, (name, result) in list(self._last.items()):
            state = self._ledger.record(number).state
            if state is TrialState.RUNNING:
                tags = self._search | {"number": str(number), "trial": name}
                for gauge, key in self._by_trial.items():
                    gauge.set(result[key], tags)
            elif state.ended:
                del self._last[number]
        records = self._ledger.records
        states = Counter(record.state for record in records)
        for state in TrialState:
            self._trials.set(states[state], self._search | {"state": state.value})
        best = best_record(records)
        if best is not None:
            self._best.set(best.val_accuracy, self._search)
        self._next = time.monotonic() + REFRESH_SECONDS
