"""Results folders as searches write them, made with the trial store, without training."""

import json
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import optuna

from tune_mnist.reporting.stored_search import StoredSearch, read_search
from tune_mnist.training import Fidelity
from tune_mnist.tuning.final.misclassified import Misclassified, write_misclassified
from tune_mnist.tuning.final.runs import FinalRun, final_folder, write_final_run
from tune_mnist.tuning.options.search_options import SearchOptions
from tune_mnist.tuning.recording.study import STUDY_NAME, open_storage
from tune_mnist.tuning.recording.trial_attributes import PORTFOLIO
from tune_mnist.tuning.recording.trial_record import WARM_START_NAME
from tune_mnist.tuning.recording.trial_store import TrialStore
from tune_mnist.tuning.results_folder.experiment_file import EXPERIMENT_FILE
from tune_mnist.tuning.spaces.space import SearchSpace, parse_space
from tune_mnist.tuning.spaces.stages import report_of
from tune_mnist.tuning.trials.reports import TIME_ATTR, ended_early

PARAMETERS = {"lenet": 61_706, "alexnet": 46_764_746, "resnet": 11_178_378, "vggnet": 128_806_154}
TWO_MODELS = """
description: two <architectures> & more
model: {type: categorical, choices: [lenet, resnet]}
parameters:
  lr:         {type: float, low: 1.0e-4, high: 1.0e-1, log: true}
  batch_size: {type: categorical, choices: [32, 64]}
  optimizer:  {type: categorical, choices: [sgd, adam]}
  momentum:   {type: float, low: 0.0, high: 0.99, when: {optimizer: sgd}}
"""
LENET = """
description: LeNet only
model: lenet
parameters:
  lr:         {type: float, low: 1.0e-4, high: 1.0e-1, log: true}
  dropout:    {type: float, low: 0.0, high: 0.5}
"""
MAX_EPOCHS = 3


@dataclass
class Course:
    """Course of a trial: its parameters, accuracies and end.

    Attributes:
        parameters: Fixed parameters; the others are drawn.
        accuracies: Accuracy after each epoch.
        reason: Reason of a failure after these epochs; empty: no failure.
        ends: Whether the trial ends; if not, it is interrupted.
        seconds: Seconds per epoch.
        portfolio: Whether the configuration is from the portfolio.
    """

    parameters: dict[str, Any]
    accuracies: tuple[float, ...] = ()
    reason: str = ""
    ends: bool = True
    seconds: float = 1.0
    portfolio: bool = False


def make_search(
    directory: Path, space_text: str, courses: list[Course], taken_over: int = 0, **options: Any
) -> StoredSearch:
    """Write a results folder with given trials, and read it."""
    directory.mkdir(parents=True)
    space = parse_space(space_text, Path("made.yaml"))
    given = {"num_samples": max(1, len(courses)), "max_epochs": MAX_EPOCHS} | options
    chosen = SearchOptions.for_space(space, **given)
    experiment = {
        "options": chosen.model_dump(mode="json"),
        "space": {"name": space.name, "text": space.text},
        "data_sha256": "0" * 64,
        "facts": {"data": "made up", "note": "<script>alert(1)</script>"},
        "versions": {"python": "3.11"},
        "started": "2026-11-25T02:04:55+0000",
        "commands": ["python -m tune_mnist.search --space made.yaml"],
    }
    (directory / EXPERIMENT_FILE).write_text(json.dumps(experiment), encoding="utf-8")
    directions = {"max": "maximize", "min": "minimize"}
    study = optuna.create_study(
        study_name=STUDY_NAME,
        storage=open_storage(directory),
        directions=[directions[way] for way in chosen.directions.values()],
        sampler=optuna.samplers.RandomSampler(seed=0),
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        study.set_metric_names(list(chosen.directions))
    for _ in range(taken_over):
        study.add_trial(
            optuna.trial.create_trial(
                value=1.0,
                params={"lr": 0.05},
                distributions={"lr": space.parameters["lr"].distribution()},
                user_attrs={WARM_START_NAME: "earlier #0"},
            )
        )
    trial_store = TrialStore(study, space.model, MAX_EPOCHS, tuple(chosen.directions))
    for course in courses:
        _run(study, trial_store, space, chosen.fidelity(space), course)
    return read_search(directory)


def _run(
    study: optuna.Study,
    trial_store: TrialStore,
    space: SearchSpace,
    fidelity: Fidelity | None,
    course: Course,
) -> None:
    study.enqueue_trial(course.parameters)
    trial = study.ask()
    if course.portfolio:
        trial.set_user_attr(PORTFOLIO, True)
    config = space.sample(trial) | trial.params
    trial_store.begin(trial, f"id{trial.number}", config)
    for epoch, accuracy in enumerate(course.accuracies, start=1):
        trial_store.add_epoch(
            trial.number,
            {
                TIME_ATTR: epoch,
                "val_accuracy": accuracy,
                "train_loss": 1.0,
                "train_accuracy": accuracy,
                "val_loss": 1.0,
                "images_per_second": 1000.0,
                "parameters": PARAMETERS[config["model"]],
                "train_seconds": course.seconds * epoch,
                **report_of(fidelity, epoch, config["model"]),
            },
        )
    if course.reason:
        diverged = course.reason.startswith("diverged")
        trial_store.end(trial.number, ended_early(course.reason, diverged=diverged))
    elif course.ends:
        trial_store.end(trial.number, {})


def two_models(directory: Path, **options: Any) -> StoredSearch:
    """Write a finished search over two architectures; ResNet and small learning rates are better.

    It has twelve trials: the last is the best, the first three were pruned after one epoch, and
    two failed.
    """
    courses = []
    for index in range(9):
        model = ("lenet", "resnet")[index % 2]
        optimizer = ("sgd", "adam")[index // 2 % 2]
        lr = 10 ** (-1 - index / 4)
        final = 0.8 + 0.1 * (model == "resnet") + 0.01 * index
        courses.append(
            Course(
                {"model": model, "optimizer": optimizer, "lr": lr},
                (final - 0.2,) if index < 3 else (final - 0.2, final - 0.1, final),
                seconds=1.0 + 10 * (model == "resnet"),
            )
        )
    courses += [
        Course({"model": "resnet", "lr": 0.1}, reason="diverged: train_loss is nan (lr 0.1)"),
        Course({"model": "lenet", "lr": 0.05}, (0.3,), reason="out of memory <&>"),
        Course({"model": "resnet", "optimizer": "adam", "lr": 2e-4}, (0.7, 0.985, 0.98)),
    ]
    return make_search(directory, TWO_MODELS, courses, **options)


def add_final_runs(directory: Path, models: tuple[str, ...] = ("lenet", "resnet")) -> None:
    """Write final runs into a results folder; 4 misclassified as 9 is the most frequent error."""
    for model in models:
        for seed in range(2):
            confusion = np.diag([100] * 10)
            confusion[4, 9], confusion[4, 4] = 7 + seed, 93 - seed
            confusion[7, 1], confusion[7, 7] = 2, 98
            accuracy = float(np.trace(confusion) / confusion.sum())
            run = FinalRun(model, 3, seed, {}, 1000, accuracy, confusion.tolist(), 12.0)
            write_final_run(directory, run)
        rng = np.random.default_rng(0)
        write_misclassified(
            final_folder(directory, model),
            Misclassified(
                images=rng.integers(0, 256, (3, 28, 28), dtype=np.uint8),
                truth=np.array([7, 4, 4]),
                predicted=np.array([1, 9, 9]),
                probability=np.array([0.98, 0.9, 0.8], dtype=np.float32),
            ),
        )
