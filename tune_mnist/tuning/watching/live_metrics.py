"""Metrics of a running search, exported by Ray to Prometheus."""

import time
from collections import Counter
from typing import Any

from ray.tune.experiment import Trial
from ray.util.metrics import Gauge

from tune_mnist.tuning.recording.stateless_callback import StatelessCallback
from tune_mnist.tuning.recording.trial_record import TrialState, best_record
from tune_mnist.tuning.recording.trial_store import TrialStore
from tune_mnist.tuning.trials.labels import label
from tune_mnist.tuning.trials.reports import METRIC, NUMBER, TIME_ATTR

# Ray drops a value after each export, which takes place every ten seconds by default.
METRICS_SECONDS = 1.0
OF_SEARCH = ("search",)
OF_TRIAL = ("search", "number", "trial")
BY_STATE = ("search", "state")
BY_TRIAL = {
    "tune_mnist_trial_val_accuracy": (METRIC, "Validation accuracy of the last epoch."),
    "tune_mnist_trial_epoch": (TIME_ATTR, "Epochs trained."),
    "tune_mnist_trial_images_per_second": ("images_per_second", "Training images per second."),
}
"""Key in the report of a trial, and description, of each metric of a trial, by metric name."""

TRIALS = "tune_mnist_trials"
BEST_METRIC = "tune_mnist_best_val_accuracy"
BEST_TEXT = "Best validation accuracy so far; in a search with stages, of the latest stage."


class LiveMetrics(StatelessCallback):
    """Callback that sets Ray gauges: running trials, trials by state and best accuracy.

    The gauges are set repeatedly, because Ray exports only values that were set since the last
    export. The series of an ended trial disappear within three exports, so the number of series
    depends on the number of workers and not on the number of trials.
    """

    def __init__(self, search: str, trial_store: TrialStore) -> None:
        # Ray 2.60 raises an error for tags that are not ASCII.
        self._search = {"search": search.encode("ascii", "backslashreplace").decode()}
        self._trial_store = trial_store
        self._next_refresh = 0.0
        self._last: dict[int, tuple[str, dict[str, Any]]] = {}
        self._by_trial = {
            Gauge(name, text, OF_TRIAL): key for name, (key, text) in BY_TRIAL.items()
        }
        self._trials = Gauge(TRIALS, "Trials by their state.", BY_STATE)
        self._best = Gauge(BEST_METRIC, BEST_TEXT, OF_SEARCH)

    def on_trial_result(self, trial: Trial, result: dict[str, Any], **info: Any) -> None:
        """Store the last report of each trial."""
        if METRIC in result:
            self._last[trial.config[NUMBER]] = (label(trial.config), result)

    def on_step_end(self, iteration: int, trials: list[Trial], **info: Any) -> None:
        """Set the gauges, at most once every METRICS_SECONDS."""
        if time.monotonic() < self._next_refresh:
            return
        for number, (name, result) in list(self._last.items()):
            state = self._trial_store.record(number).state
            if state is TrialState.RUNNING:
                tags = self._search | {"number": str(number), "trial": name}
                for gauge, key in self._by_trial.items():
                    gauge.set(result[key], tags)
            elif state.ended:
                del self._last[number]
        records = self._trial_store.records
        states = Counter(record.state for record in records)
        for state in TrialState:
            self._trials.set(states[state], self._search | {"state": state.value})
        best = best_record(records)
        if best is not None:
            self._best.set(best.val_accuracy, self._search)
        self._next_refresh = time.monotonic() + METRICS_SECONDS
