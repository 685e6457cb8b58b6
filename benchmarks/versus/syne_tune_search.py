"""A search with a scheduler of Syne Tune and its local backend, as in its guide.

Needs an environment with ``syne-tune`` and this project. Each trial is a process,
``syne_tune_trial.py``, that prints its reports.
"""

import logging
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from syne_tune import StoppingCriterion, Tuner
from syne_tune.backend import LocalBackend
from syne_tune.config_space import choice, loguniform, uniform

from benchmarks.versus.contestant import Task, open_log
from benchmarks.versus.same_space import first_points, in_terms_of, same_space
from tune_mnist.errors import UserError

TRIAL = Path(__file__).with_name("syne_tune_trial.py")


def search(task: Task, scheduler: Callable[..., Any]) -> None:
    """Search with one of Syne Tune's multi-fidelity methods at its defaults.

    Args:
        task: Task of the contestant.
        scheduler: Class of ``syne_tune.optimizer.baselines``.

    Raises:
        UserError: The device is not the CPU.
    """
    if task.device != "cpu":
        raise UserError(f"--device {task.device}: this contestant supports only the CPU")
    log = open_log(task)
    logging.getLogger().setLevel(logging.WARNING)
    constants = {
        "max_epochs": task.max_epochs,
        "seed": task.seed,
        "dataset": task.dataset,
        "output": str(log.path),
        "started": log.started,
    }
    if task.data_dir is not None:
        constants["data_dir"] = str(task.data_dir)
    with tempfile.TemporaryDirectory() as folder:
        os.environ["SYNETUNE_FOLDER"] = folder
        Tuner(
            trial_backend=LocalBackend(str(TRIAL), rotate_gpus=False),
            scheduler=scheduler(
                in_terms_of(same_space(), uniform, loguniform, choice) | constants,
                metric="val_accuracy",
                do_minimize=False,
                time_attr="epoch",
                max_t=task.max_epochs,
                random_seed=task.seed,
                points_to_evaluate=first_points(task) or None,
            ),
            # Syne Tune starts trials until there are more than this number.
            stop_criterion=StoppingCriterion(max_num_trials_started=task.num_samples - 1),
            n_workers=task.workers,
            wait_trial_completion_when_stopping=True,
        ).run()
