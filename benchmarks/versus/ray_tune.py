"""A plain Ray Tune script, as in Ray's guide for PyTorch.

Uses a DataLoader per trial, a checkpoint per epoch, and OptunaSearch and ASHAScheduler with their
defaults.
"""

import os
import tempfile
import time
from pathlib import Path
from typing import Any

import click
import ray
import torch
from ray import tune
from ray.tune.schedulers import ASHAScheduler
from ray.tune.search.optuna import OptunaSearch

from benchmarks.versus.contestant import (
    EpochLog,
    Task,
    common_options,
    open_log,
)
from benchmarks.versus.plain_training import PlainTraining
from benchmarks.versus.same_space import in_terms_of, same_space
from tune_mnist.command import run


def train_mnist(config: dict[str, Any], task: Task, log: EpochLog) -> None:
    """Train a trial, and report each epoch with a checkpoint."""
    training = PlainTraining(config, task.dataset, task.seed, task.device)
    trial = tune.get_context().get_trial_id()
    for epoch, val_accuracy in training.epochs(task.max_epochs):
        log.add(trial, epoch, val_accuracy, time.time())
        with tempfile.TemporaryDirectory() as folder:
            state = (training.model.state_dict(), training.optimizer.state_dict())
            torch.save(state, Path(folder) / "checkpoint.pt")
            tune.report(
                {"val_accuracy": val_accuracy},
                checkpoint=tune.Checkpoint.from_directory(folder),
            )


@click.command()
@common_options
def main(**options: Any) -> int:
    """Search with Ray Tune at its defaults."""
    task = Task(**options)
    log = open_log(task)
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    ray.init(address="local", num_cpus=task.workers, include_dashboard=False)
    with tempfile.TemporaryDirectory() as folder:
        tuner = tune.Tuner(
            tune.with_resources(
                tune.with_parameters(train_mnist, task=task, log=log),
                {"cpu": 1, "gpu": task.gpus},
            ),
            param_space=in_terms_of(same_space(), tune.uniform, tune.loguniform, tune.choice),
            tune_config=tune.TuneConfig(
                metric="val_accuracy",
                mode="max",
                search_alg=OptunaSearch(seed=task.seed),
                scheduler=ASHAScheduler(max_t=task.max_epochs),
                num_samples=task.num_samples,
            ),
            run_config=tune.RunConfig(storage_path=folder),
        )
        failed = tuner.fit().num_errors
    ray.shutdown()
    return int(failed > 0)


if __name__ == "__main__":
    run(main)
