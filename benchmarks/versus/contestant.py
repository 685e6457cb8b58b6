"""Command line and output of all contestants.

Imports only a few modules, because a contestant's import time is part of the measured time.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import psutil

from tune_mnist.files import write_text

SPACE = Path(__file__).with_name("space.yaml")
HEADER = "trial,epoch,val_accuracy,seconds"


@dataclass(frozen=True)
class Task:
    """Task of a contestant.

    Attributes:
        seed: Random seed of the search, weights and batches.
        num_samples: Number of trials.
        max_epochs: Maximum epochs per trial.
        output: CSV file that gets a row per epoch.
        dataset: Name of the data set: mnist, fashion-mnist, or digits to test the script.
        data_dir: Folder of the data set's files, or None to load them from the cache.
        workers: Number of concurrent trials, each with one CPU core.
        device: Device: cpu, or cuda if the workers share a GPU.
        portfolio: Whether to try this project's portfolio first.
    """

    seed: int
    num_samples: int
    max_epochs: int
    output: Path
    dataset: str
    data_dir: Path | None
    workers: int
    device: str
    portfolio: bool

    @property
    def gpus(self) -> float:
        """Share of a GPU for each worker."""
        return 1 / self.workers if self.device == "cuda" else 0.0


@dataclass(frozen=True)
class EpochLog:
    """CSV file to which the processes of a contestant add rows.

    Attributes:
        path: Absolute path of the file.
        started: Start of the contestant's command, in seconds since 1970.
    """

    path: Path
    started: float

    def add(self, trial: object, epoch: int, val_accuracy: float, now: float) -> None:
        """Add a row. Writing a single row is atomic, so processes need no lock.

        The accuracy has four decimals for every contestant, because the output of this project's
        search has no more.

        Args:
            trial: Name or number of the trial.
            epoch: Epoch of the trial, from 1.
            val_accuracy: Validation accuracy after the epoch.
            now: Time of the report, in seconds since 1970.
        """
        with self.path.open("a", encoding="utf-8") as file:
            file.write(f"{trial},{epoch},{val_accuracy:.4f},{now - self.started:.3f}\n")


def open_log(task: Task) -> EpochLog:
    """Create the file of a contestant, with times measured from the start of the process."""
    path = task.output.absolute()
    write_text(path, HEADER + "\n")
    return EpochLog(path, psutil.Process().create_time())


def common_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options shared by all contestants, which are the fields of Task, to a command."""
    for option in reversed(
        (
            click.option("--seed", type=int, default=0, show_default=True),
            click.option("--num-samples", type=int, default=16, show_default=True),
            click.option("--max-epochs", type=int, default=6, show_default=True),
            click.option("--output", type=click.Path(path_type=Path), required=True),
            click.option("--dataset", default="mnist", show_default=True),
            click.option("--data-dir", type=click.Path(path_type=Path)),
            click.option("--workers", type=int, default=2, show_default=True),
            click.option(
                "--device", type=click.Choice(["cpu", "cuda"]), default="cpu", show_default=True
            ),
            click.option("--portfolio/--no-portfolio", default=False, show_default=True),
        )
    ):
        command = option(command)
    return command
