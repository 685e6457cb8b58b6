"""Simulated search: real schedulers and searchers, recorded curves, simulated time.

The simulation does in simulated time what Ray Tune's controller does in real time. It asks the
searcher for a trial for each free worker, and lets the scheduler choose which trial runs. After
each epoch the scheduler decides whether the trial continues, pauses or stops, and searcher and
scheduler are notified in Ray's order (ray.tune.execution.tune_controller). As with Ray's
max_concurrent_trials, no trial is suggested before a worker is free. Suggesting, starting, pausing
and resuming take no time.
"""

from dataclasses import dataclass, field
from heapq import heappop, heappush
from math import isnan
from typing import Any

from ray.tune.experiment import Trial
from ray.tune.schedulers import TrialScheduler

from benchmarks.scheduling.curves import CHANCE, Curves
from benchmarks.scheduling.methods import SearchComponents
from benchmarks.scheduling.table_sampler import TableExhausted
from tune_mnist.tuning.recording.trial_record import LAST_METRICS
from tune_mnist.tuning.trials.reports import METRIC, NUMBER, TIME_ATTR


@dataclass(eq=False)
class SimulatedTrial:
    """Simulated trial, with those attributes of a Ray trial that schedulers use.

    Attributes:
        trial_id: ID of the trial, unique in its search.
        row: Row of the configuration in the table of curves.
        config: Configuration that the searcher suggested.
        status: Status: PENDING, RUNNING, PAUSED, TERMINATED or ERROR.
        epoch: Number of finished epochs.
        last_result: Last report.
    """

    trial_id: str
    row: int
    config: dict[str, Any]
    status: str = Trial.PENDING
    epoch: int = 0
    last_result: dict[str, Any] = field(default_factory=dict)

    def is_finished(self) -> bool:
        """Return whether the trial has ended, with or without an error."""
        return self.status in (Trial.TERMINATED, Trial.ERROR)


@dataclass(frozen=True)
class Event:
    """Epoch that a trial has trained.

    Attributes:
        started: Start in simulated seconds.
        ended: End in simulated seconds.
        row: Row of the configuration in the table of curves.
        epoch: Epoch of the trial, from 1.
        incumbent: Row of the best configuration so far, or None if there is no report yet.
    """

    started: float
    ended: float
    row: int
    epoch: int
    incumbent: int | None


class SimulatedSearch:
    """Simulated search, which takes the place of Ray's controller for the scheduler.

    Args:
        curves: Configurations and their learning curves.
        components: Searcher and scheduler.
        workers: Number of concurrent trials.
        budget: Total number of epochs.
    """

    def __init__(
        self,
        curves: Curves,
        components: SearchComponents,
        workers: int,
        budget: int,
    ) -> None:
        self._curves = curves
        self._components = components
        self._searcher, self._scheduler = components.searcher, components.scheduler
        self._idle = workers
        self._budget = budget
        self._trials: list[SimulatedTrial] = []
        self._running: list[tuple[float, int, float, SimulatedTrial]] = []
        self._started_epochs = 0
        self._exhausted = False
        self._best: float = CHANCE
        self._incumbent: int | None = None
        self._now = 0.0

    def run(self) -> list[Event]:
        """Run until the budget is used up or no trial is left; return the epochs by end time."""
        events = []
        self._employ_idle_workers()
        while self._running:
            self._now, _, started, trial = heappop(self._running)
            trial.epoch += 1
            self._on_epoch(trial)
            events.append(Event(started, self._now, trial.row, trial.epoch, self._incumbent))
            self._employ_idle_workers()
        return events

    @property
    def search_alg(self) -> "SimulatedSearch":
        """The part of Ray's search algorithm that schedulers use."""
        return self

    def is_finished(self) -> bool:
        """Return whether no further trial will be suggested."""
        return self._exhausted

    def get_trials(self) -> list[SimulatedTrial]:
        """Return all trials so far."""
        return self._trials

    def stop_trial(self, trial: SimulatedTrial) -> None:
        """Stop a paused trial at the request of the scheduler."""
        self._scheduler.on_trial_remove(self, trial)
        self._searcher.on_trial_complete(trial.trial_id)
        trial.status = Trial.TERMINATED

    def _employ_idle_workers(self) -> None:
        while self._idle and self._started_epochs < self._budget:
            self._suggest()
            trial = self._scheduler.choose_trial_to_run(self) or self._pending()
            if trial is None:
                return
            self._idle -= 1
            self._start_epoch(trial)

    def _pending(self) -> SimulatedTrial | None:
        return next((trial for trial in self._trials if trial.status == Trial.PENDING), None)

    def _suggest(self) -> None:
        trial_id = f"{len(self._trials):05d}"
        try:
            config = self._searcher.suggest(trial_id)
        except TableExhausted:
            self._exhausted = True
            return
        if config is None:
            return
        numbered = {NUMBER: len(self._trials)} | config
        trial = SimulatedTrial(trial_id, self._components.sampler.rows[-1], numbered)
        self._trials.append(trial)
        self._scheduler.on_trial_add(self, trial)

    def _start_epoch(self, trial: SimulatedTrial) -> None:
        trial.status = Trial.RUNNING
        self._started_epochs += 1
        end = self._now + self._curves.seconds[trial.row, trial.epoch]
        # The count breaks ties: epochs that end at the same time are processed in order of start.
        heappush(self._running, (end, self._started_epochs, self._now, trial))

    def _on_epoch(self, trial: SimulatedTrial) -> None:
        accuracy = float(self._curves.accuracy[trial.row, trial.epoch - 1])
        if isnan(accuracy):
            self._on_diverged(trial)
            return
        if accuracy > self._best:
            self._best, self._incumbent = accuracy, trial.row
        result = self._report(trial, accuracy)
        decision = self._scheduler.on_trial_result(self, trial, result)
        if decision != TrialScheduler.STOP:
            self._searcher.on_trial_result(trial.trial_id, result)
        trial.last_result = result
        if decision == TrialScheduler.CONTINUE and self._started_epochs < self._budget:
            self._start_epoch(trial)
            return
        self._idle += 1
        if decision == TrialScheduler.PAUSE:
            trial.status = Trial.PAUSED
        elif decision == TrialScheduler.STOP:
            self._scheduler.on_trial_complete(self, trial, result)
            self._searcher.on_trial_complete(trial.trial_id, result=result)
            trial.status = Trial.TERMINATED

    def _report(self, trial: SimulatedTrial, accuracy: float) -> dict[str, Any]:
        seconds = float(self._curves.seconds[trial.row, : trial.epoch].sum())
        return dict.fromkeys(LAST_METRICS, 0.0) | {
            METRIC: accuracy,
            TIME_ATTR: trial.epoch,
            "training_iteration": trial.epoch,
            "train_seconds": seconds,
        }

    def _on_diverged(self, trial: SimulatedTrial) -> None:
        self._idle += 1
        last_report = self._components.diverged
        if last_report is None:
            self._scheduler.on_trial_error(self, trial)
            self._searcher.on_trial_complete(trial.trial_id, error=True)
            trial.status = Trial.ERROR
        else:
            self._scheduler.on_trial_complete(self, trial, last_report)
            self._searcher.on_trial_complete(trial.trial_id, result=last_report)
            trial.status = Trial.TERMINATED
