"""Trials in a trial store, in the form in which Ray passes them to a callback."""

from types import SimpleNamespace
from typing import Any

import optuna

from tune_mnist.tuning.recording.trial_store import TrialStore

LR = optuna.distributions.FloatDistribution(0.01, 1.0)
CONFIG = {
    "model": "resnet",
    "lr": 0.00123,
    "batch_size": 128,
    "dropout": 0.25,
    "optimizer": "rmsprop",
    "momentum": 0.9,
    "weight_decay": 1e-5,
}
METRICS = {
    "val_loss": 1.0,
    "train_loss": 1.0,
    "train_accuracy": 0.5,
    "images_per_second": 100.0,
    "train_seconds": 1.0,
    "parameters": 61_706,
}


class Search:
    """A search whose driver may be killed at any time, so that only its study remains."""

    def __init__(self, max_epochs: int) -> None:
        self._study = optuna.create_study(direction="maximize")
        self._begun: list[optuna.Trial] = []
        self._max_epochs = max_epochs
        self.go_on()

    def go_on(self) -> None:
        """Resume the search from its study."""
        self.trial_store = TrialStore(self._study, "lenet", self._max_epochs)

    def trial(self, number: int) -> Any:
        """Start a trial, or resume it."""
        if number == len(self._begun):
            self._begun.append(self._study.ask({"lr": LR}))
        asked = self._begun[number]
        config = {"model": "lenet", **asked.params}
        self.trial_store.begin(asked, f"id{number}", config)
        return SimpleNamespace(config={"number": number, **config})

    def report(self, callback: Any, trial: Any, epoch: int, accuracy: float) -> None:
        """Report an epoch to the trial store and a callback."""
        result = METRICS | {"epoch": epoch, "val_accuracy": accuracy}
        self.trial_store.add_epoch(trial.config["number"], result)
        callback.on_trial_result(trial=trial, result=result)

    def end(self, callback: Any, trial: Any) -> None:
        """Report the end of a trial to the trial store and a callback."""
        self.trial_store.end(trial.config["number"], {})
        callback.on_trial_complete(trial=trial)
