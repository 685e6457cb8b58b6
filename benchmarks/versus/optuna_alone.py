"""Optuna alone, as in its guide for parallel optimisation on one machine.

Two processes share a study in a journal file, with Optuna's default sampler and
SuccessiveHalvingPruner.
"""

import multiprocessing
import tempfile
import time
from pathlib import Path
from typing import Any

import click
import optuna
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.study import MaxTrialsCallback
from optuna.trial import TrialState

from benchmarks.versus.contestant import (
    EpochLog,
    Task,
    common_options,
    open_log,
)
from benchmarks.versus.plain_training import PlainTraining
from benchmarks.versus.same_space import first_points, same_space
from benchmarks.versus.training_data import data_loaders
from tune_mnist.command import run

ENDED = (TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL)


def open_study(journal: Path, seed: int) -> optuna.Study:
    """Open the study of all workers, which is created by the first call."""
    return optuna.create_study(
        storage=JournalStorage(JournalFileBackend(str(journal))),
        study_name="versus",
        sampler=optuna.samplers.TPESampler(seed=seed),
        pruner=optuna.pruners.SuccessiveHalvingPruner(),
        direction="maximize",
        load_if_exists=True,
    )


def optimise(worker: int, journal: Path, task: Task, log: EpochLog) -> None:
    """Run trials until all workers together have run enough."""
    space = same_space()

    def objective(trial: optuna.Trial) -> float:
        space.sample(trial)
        data = data_loaders(task.dataset, task.data_dir, trial.params["batch_size"])
        training = PlainTraining(trial.params, data, task.max_epochs, task.seed, task.device)
        val_accuracy = 0.0
        for epoch, val_accuracy in training.epochs():
            log.add(trial.number, epoch, val_accuracy, time.time())
            trial.report(val_accuracy, epoch)
            if trial.should_prune():
                raise optuna.TrialPruned
        return val_accuracy

    # Workers with the same seed would sample the same configurations.
    study = open_study(journal, seed=task.workers * task.seed + worker)
    # The first worker that sees enough trials ends; the other worker finishes its last trial.
    enough = MaxTrialsCallback(task.num_samples - task.workers + 1, states=ENDED)
    study.optimize(objective, callbacks=[enough])


@click.command()
@common_options
def main(**options: Any) -> int:
    """Search with Optuna alone."""
    task = Task(**options)
    log = open_log(task)
    context = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory() as folder:
        journal = Path(folder) / "study.journal"
        study = open_study(journal, task.seed)
        for point in first_points(task):
            study.enqueue_trial(point)
        workers = [
            context.Process(target=optimise, args=(worker, journal, task, log))
            for worker in range(task.workers)
        ]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
    return max(worker.exitcode or 0 for worker in workers)


if __name__ == "__main__":
    run(main)
