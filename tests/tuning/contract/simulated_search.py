"""A search with simulated trials, and with the searcher and scheduler of a real search."""

import math
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import optuna
from ray.tune import Callback
from ray.tune.experiment import Trial
from ray.tune.search import SearchGenerator

from tests.tuning.contract.simulated_workers import SimulatedController, SimulatedExperiment
from tests.tuning.settings import context_in
from tune_mnist.training import MODEL_FILE, STATE_FILE
from tune_mnist.tuning.options.search_options import SearchOptions
from tune_mnist.tuning.planning.resources import Workers
from tune_mnist.tuning.running.lost_trials import LostTrials
from tune_mnist.tuning.running.search_components import build_components
from tune_mnist.tuning.searching.portfolio import Portfolio
from tune_mnist.tuning.spaces.space import parse_space
from tune_mnist.tuning.trials.reports import NUMBER
from tune_mnist.tuning.trials.trainable import TrialSettings

SPACE = parse_space(
    """
description: two architectures, and numbers with steps
model: {type: categorical, choices: [lenet, resnet]}
parameters:
  lr: {type: float, low: 0.05, high: 0.25, step: 0.05}
  dropout: {type: float, low: 0.0, high: 0.4, step: 0.1}
baselines:
  - {model: resnet, lr: 0.2, dropout: 0.1}
""",
    Path("contract.yaml"),
)
MAX_EPOCHS = 5
NUM_SAMPLES = 8

Fault = Callable[[int, int], Exception | dict[str, Any] | None]
"""Function of a trial's number and epoch: an error or a last report instead of this epoch."""


def no_fault(number: int, epoch: int) -> None:
    """Cause no fault."""


def learning(skill: float) -> float:
    """Return an accuracy that increases with skill."""
    return 1 - 0.9 * math.exp(-skill)


@dataclass
class SimulatedSearch:
    """A search in a folder that can be interrupted and resumed.

    Args:
        folder: Results folder.
        searcher: Name of the searcher.
        scheduler: Name of the scheduler.
        workers: Number of concurrent trials.
        seed: Seed of the search.
        fault: Function that causes faults of trials.
        accuracy: Accuracy of a trial as a function of its skill.
        portfolio: Configurations to try first, or None.

    Attributes:
        trained: Trained epochs in order, as number of the trial and epoch.
        most_active: Maximum number of trials that had a worker or waited for one.
        runs: Number of sessions, including the first.
        restarts: Number of times that a trial resumed from its checkpoint.
        portfolio_trials: Number of trials of the portfolio in the study.
        portfolio_left: Number of trials of the portfolio that had not ended when the last session
            began.
    """

    folder: Path
    searcher: str
    scheduler: str
    workers: int = 1
    seed: int = 0
    fault: Fault = no_fault
    accuracy: Callable[[float], float] = learning
    portfolio: Portfolio | None = None
    trained: list[tuple[int, int]] = field(default_factory=list)
    most_active: int = 0
    runs: int = 0
    restarts: int = 0
    portfolio_trials: int = 0
    portfolio_left: int = 0

    def run(self, cut: int | None = None) -> "SimulatedSearch":
        """Begin or resume the search, and run it to its end.

        Args:
            cut: Number of epochs after which the driver is killed, before it hears of the last;
                None: it is not killed.
        """
        options = SearchOptions.for_space(
            SPACE,
            searcher=self.searcher,
            scheduler=self.scheduler,
            num_samples=NUM_SAMPLES,
            max_epochs=MAX_EPOCHS,
            seed=self.seed,
        )
        self.folder.mkdir(exist_ok=True)
        self.runs += 1
        workers = Workers(cpus=1, gpus=0, concurrent=self.workers)
        context = context_in(self.folder, SPACE, options, workers, portfolio=self.portfolio)
        settings = context.settings
        components = build_components(context)
        self.portfolio_trials = components.count_portfolio()
        self.portfolio_left = components.count_portfolio(left=True)
        ended = sum(record.state.ended for record in components.searcher.trial_store.records)
        components.searcher.left = options.num_samples - ended
        settings.store.start()
        experiment = SimulatedExperiment(
            "ray",
            _trained_elsewhere,
            num_samples=NUM_SAMPLES + 1,
            storage_path=str(self.folder),
            max_failures=1,
            trial_dirname_creator=lambda trial: trial.trial_id,
        )
        generator = SearchGenerator(components.searcher)
        controller = SimulatedController(
            self.workers,
            lambda config: _SimulatedTrial(self, settings, config),
            search_alg=generator,
            scheduler=components.scheduler,
            callbacks=[components.recorder, LostTrials(components.searcher), _Watch(self)],
            storage=experiment.storage,
            reuse_actors=True,
        )
        generator.add_configurations([experiment])
        controller.update_max_pending_trials()
        end = math.inf if cut is None else len(self.trained) + cut
        while not controller.is_finished() and len(self.trained) < end:
            controller.step()
        self.components, self.records = components, components.searcher.trial_store.records
        return self

    def is_over(self) -> bool:
        """Return whether all trials have ended."""
        return sum(record.state.ended for record in self.records) == NUM_SAMPLES

    @property
    def study(self) -> optuna.Study:
        """Study of the search."""
        return self.components.searcher.study

    def history(self) -> list[tuple[Any, ...]]:
        """Return the content of the study for each trial, without times and Ray's IDs."""
        return [
            (
                trial.number,
                trial.state.name,
                trial.params,
                trial.intermediate_values,
                trial.values,
                trial.user_attrs.get("takeovers"),
            )
            for trial in self.study.get_trials(deepcopy=False)
        ]

    def epochs(self) -> Counter[int]:
        """Return the number of epochs that each trial has trained."""
        return Counter(number for number, _ in self.trained)


def _trained_elsewhere(config: dict[str, Any]) -> None:
    """Placeholder of the trainable, which simulated workers do not call."""


class _SimulatedTrial:
    """Simulation of ``train_trial``; checkpoints contain a trial's skill instead of weights."""

    def __init__(
        self, search: SimulatedSearch, settings: TrialSettings, config: dict[str, Any]
    ) -> None:
        self._search, self._config = search, config
        self._number = int(config[NUMBER])
        self._checkpoints: Any = settings.checkpoints_of(self._number)
        self._epoch = self._checkpoints.newest_epoch()
        self._skill = 0.0
        if self._epoch:
            weights = self._checkpoints.at(self._epoch) / MODEL_FILE
            self._skill = float(weights.read_text())
        self._has_more_to_tell = self._epoch > 0

    def report_next(self) -> tuple[float, Any]:
        """Train an epoch or repeat that of the checkpoint; return its duration and report."""
        if self._has_more_to_tell:
            self._has_more_to_tell = False
            self._search.restarts += 1
            return 0.0, self._report()
        fault = self._search.fault(self._number, self._epoch + 1)
        if fault is not None:
            return 0.5, fault
        self._epoch += 1
        self._skill += self._config["lr"] * (1 - self._config["dropout"])
        checkpoint = self._checkpoints.at(self._epoch)
        checkpoint.mkdir(parents=True)
        (checkpoint / MODEL_FILE).write_text(str(self._skill))
        (checkpoint / STATE_FILE).touch()
        self._checkpoints.keep_only(self._epoch)
        self._search.trained.append((self._number, self._epoch))
        return 1.0 + self._number % 3, self._report()

    def _report(self) -> dict[str, Any]:
        metrics = ("val_loss", "train_loss", "train_accuracy", "images_per_second")
        return dict.fromkeys(metrics, 1.0) | {
            "epoch": self._epoch,
            "val_accuracy": self._search.accuracy(self._skill),
            "train_seconds": float(self._epoch),
            "parameters": 1,
        }


class _Watch(Callback):
    """Counts the concurrently active trials."""

    def __init__(self, search: SimulatedSearch) -> None:
        self._search = search

    def on_step_end(self, iteration: int, trials: list[Trial], **_: Any) -> None:
        active = sum(trial.status in (Trial.RUNNING, Trial.PENDING) for trial in trials)
        self._search.most_active = max(self._search.most_active, active)
