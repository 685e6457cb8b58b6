"""A search with Ray Tune at its defaults, for any training function."""

import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import ray
import torch
from ray import tune
from ray.tune.schedulers import ASHAScheduler
from ray.tune.search.optuna import OptunaSearch

from benchmarks.versus.contestant import EpochLog, Task
from benchmarks.versus.plain_training import PlainTraining
from benchmarks.versus.same_space import first_points, in_terms_of, same_space


def search(task: Task, train: Callable[..., None], **parameters: Any) -> int:
    """Search with OptunaSearch and ASHAScheduler; return the exit status.

    Args:
        task: Task of the contestant.
        train: Training function of a trial.
        parameters: Further arguments of the training function, kept in the object store.
    """
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    ray.init(address="local", num_cpus=task.workers, include_dashboard=False)
    with tempfile.TemporaryDirectory() as folder:
        tuner = tune.Tuner(
            tune.with_resources(
                tune.with_parameters(train, task=task, **parameters),
                {"cpu": 1, "gpu": task.gpus},
            ),
            param_space=in_terms_of(same_space(), tune.uniform, tune.loguniform, tune.choice),
            tune_config=tune.TuneConfig(
                metric="val_accuracy",
                mode="max",
                search_alg=OptunaSearch(
                    seed=task.seed, points_to_evaluate=first_points(task) or None
                ),
                scheduler=ASHAScheduler(max_t=task.max_epochs),
                num_samples=task.num_samples,
            ),
            run_config=tune.RunConfig(storage_path=folder),
        )
        failed = tuner.fit().num_errors
    ray.shutdown()
    return int(failed > 0)


def report_epochs(training: PlainTraining, log: EpochLog) -> None:
    """Train a trial, and report each epoch with a checkpoint."""
    trial = tune.get_context().get_trial_id()
    for epoch, val_accuracy in training.epochs():
        log.add(trial, epoch, val_accuracy, time.time())
        with tempfile.TemporaryDirectory() as folder:
            state = (training.model.state_dict(), training.optimizer.state_dict())
            torch.save(state, Path(folder) / "checkpoint.pt")
            tune.report(
                {"val_accuracy": val_accuracy},
                checkpoint=tune.Checkpoint.from_directory(folder),
            )
