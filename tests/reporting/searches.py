"""Results folders as searches write them, made by the project's own code without Ray."""

from pathlib import Path
from typing import Any

import numpy as np
import optuna

from tune_mnist.data import Dataset
from tune_mnist.reporting.stored_search import StoredSearch, read_search
from tune_mnist.training import TrainConfig
from tune_mnist.tuning.final.runs import FinalRun, write_final_run
from tune_mnist.tuning.options.search_options import SearchOptions
from tune_mnist.tuning.recording.study import (
    CHANCE_LEVEL,
    GUESSING_LEVEL,
    STUDY_NAME,
    open_storage,
)
from tune_mnist.tuning.recording.trial_store import TrialStore
from tune_mnist.tuning.results_folder.experiment_file import write_experiment
from tune_mnist.tuning.running.stop_reason import ENDED, StopReason
from tune_mnist.tuning.spaces.space import parse_space
from tune_mnist.tuning.spaces.stages import report_of

TWO_MODELS = """
description: two architectures
model: {type: categorical, choices: [lenet, resnet]}
parameters:
  lr:         {type: float, low: 1.0e-4, high: 1.0e-1, log: true}
  batch_size: {type: categorical, choices: [32, 64]}
  dropout:    {type: float, low: 0.0, high: 0.5}
  optimizer:  {type: categorical, choices: [sgd, adam]}
  momentum:   {type: float, low: 0.0, high: 0.99, when: {optimizer: sgd}}
"""
ONE_MODEL = TWO_MODELS.replace("{type: categorical, choices: [lenet, resnet]}", "lenet")
FACTS = {
    "data": "digits, 1,149 of 1,149 training images, 288 of 288 validation images",
    "image size": "28x28",
    "hardware": "1 node; a machine, 2 cores",
}
PARAMETERS = {
    "model": "lenet",
    "lr": 1e-3,
    "batch_size": 32,
    "dropout": 0.0,
    "optimizer": "adam",
}
COUNTS = {"lenet": 61_706, "resnet": 11_178_378}


class Search:
    """A search with given results of its trials.

    Args:
        directory: Results folder, which is created.
        space: Text of the space file.
        dataset: Data set; None: a data set of one image and two classes.
        chance_level: Accuracy that a network exceeds once it has learned; None: not stored.
        guessing_level: Accuracy up to which there are no final runs; None: not stored.
        options: Options of the search that differ from the defaults below.
    """

    def __init__(
        self,
        directory: Path,
        space: str = TWO_MODELS,
        dataset: Dataset | None = None,
        chance_level: float | None = None,
        guessing_level: float | None = None,
        **options: Any,
    ) -> None:
        directory.mkdir()
        self.directory = directory
        self._space = parse_space(space, Path("space.yaml"))
        given = {"dataset": "digits", "image_size": 28, "max_epochs": 3, "num_samples": 8}
        checked = SearchOptions.for_space(self._space, **(given | options))
        pixels, labels = np.zeros((1, 28, 28), np.uint8), np.zeros(1, np.int64)
        dataset = dataset or Dataset("digits", pixels, labels, pixels, labels, ("0", "1"))
        write_experiment(directory, self._space, checked, dataset, FACTS, "the command", None)
        self._fidelity = checked.fidelity(self._space)
        directions = list(checked.directions.values())
        self._study = optuna.create_study(
            study_name=STUDY_NAME,
            storage=open_storage(directory),
            directions=["maximize" if way == "max" else "minimize" for way in directions],
        )
        if chance_level is not None:
            self._study.set_user_attr(CHANCE_LEVEL, chance_level)
        if guessing_level is not None:
            self._study.set_user_attr(GUESSING_LEVEL, guessing_level)
        names = tuple(checked.directions)
        self._trial_store = TrialStore(self._study, self._space.model, checked.max_epochs, names)

    def trial(
        self,
        *accuracies: float,
        ends: bool = True,
        diverges: bool = False,
        fails: str = "",
        takeovers: list[dict[str, Any]] | None = None,
        **parameters: Any,
    ) -> int:
        """Add a trial with given accuracies; return its number.

        Args:
            accuracies: Accuracy after each epoch. A trial with fewer than ``max_epochs`` is
                pruned.
            ends: Whether the trial ends; if not, it is interrupted.
            diverges: Whether the loss becomes NaN after the given epochs.
            fails: Reason of a failure after the given epochs; empty: no failure.
            takeovers: Exploits of the trial, as the study stores them.
            parameters: Parameters that differ from PARAMETERS.
        """
        chosen = PARAMETERS | parameters
        self._study.enqueue_trial(chosen)
        trial = self._study.ask()
        config = self._space.sample(trial) | trial.params
        self._trial_store.begin(trial, f"id{trial.number}", config)
        if takeovers:
            trial.set_user_attr("takeovers", takeovers)
        metrics: dict[str, Any] = {}
        for epoch, accuracy in enumerate(accuracies, start=1):
            metrics = _metrics(epoch, accuracy, config["model"])
            metrics |= report_of(self._fidelity, epoch, config["model"])
            self._trial_store.add_epoch(trial.number, metrics)
        if fails or diverges:
            reason = fails or "diverged: train_loss is nan"
            self._trial_store.fail(trial.number, reason, diverged=diverges)
        elif ends:
            self._trial_store.end(trial.number, metrics)
        return trial.number

    def final(
        self, model: str, trial: int, seed: int, confusion: list[list[int]], *, best: bool = True
    ) -> None:
        """Add a final run."""
        counts = np.array(confusion)
        accuracy = float(np.trace(counts) / counts.sum())
        config = {"max_epochs": 3}
        write_final_run(
            self.directory,
            FinalRun(model, trial, seed, config, 1437, accuracy, confusion, 12.5, best=best),
        )

    def end(self, stop_reason: StopReason = StopReason.FINISHED) -> None:
        """Store the reason why the search ended."""
        self._study.set_user_attr(ENDED, stop_reason.value)

    def read(self) -> StoredSearch:
        """Read the results folder."""
        return read_search(self.directory)


def best_config(model: str, trial: int, **more: Any) -> dict[str, Any]:
    """Return the content of ``config.json`` for the best model of an architecture."""
    config = TrainConfig(model=model, lr=0.1).flat()
    return config | {"trial": trial, "epoch": 1, "val_accuracy": 0.5} | more


def _metrics(epoch: int, accuracy: float, model: str) -> dict[str, Any]:
    return {
        "epoch": epoch,
        "val_accuracy": accuracy,
        "val_loss": 1 - accuracy,
        "train_loss": 0.5,
        "train_accuracy": accuracy,
        "images_per_second": 100.0,
        "train_seconds": 2.0 * epoch,
        "parameters": COUNTS[model],
    }
