"""What the contestants have in common: command line, and the rows they write.

Imports little: what a contestant does not need itself must not count for its time.
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
    """What a contestant is asked to do.

    Attributes:
        seed: of its search, and of weights and batches.
        num_samples: how many trials.
        max_epochs: epochs of a trial that is not stopped.
        output: the CSV file that gets a row an epoch.
        dataset: mnist, or digits to try the script.
        workers: Trials at a time, each with one CPU core.
        device: cpu, or cuda: the workers share one GPU.
    """

    seed: int
    num_samples: int
    max_epochs: int
    output: Path
    dataset: str
    workers: int
    device: str

    @property
    def gpus(self) -> float:
        """Share of a GPU that each worker gets."""
        return 1 / self.workers if self.device == "cuda" else 0.0


@dataclass(frozen=True)
class EpochLog:
    """A CSV file to which the processes of a contestant add rows.

    Attributes:
        path: of the file, absolute.
        started: when the contestant's command was started, in seconds since 1970.
    """

    path: Path
    started: float

    def add(self, trial: object, epoch: int, val_accuracy: float, now: float) -> None:
        """Add a row; rows that are this short are never mixed up by two writers.

        Args:
            trial: its name or number.
            epoch: from 1.
            val_accuracy: after it.
            now: when that was known, in seconds since 1970.
        """
        with self.path.open("a", encoding="utf-8") as file:
            file.write(f"{trial},{epoch},{val_accuracy:.6f},{now - self.started:.3f}\n")


def open_log(task: Task) -> EpochLog:
    """Begin the file of a contestant; its clock began with the process."""
    path = task.output.absolute()
    write_text(path, HEADER + "\n")
    return EpochLog(path, psutil.Process().create_time())


def common_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a click command the options that all contestants take: the fields of Task."""
    for option in reversed(
        (
            click.option("--seed", type=int, default=0, show_default=True),
            click.option("--num-samples", type=int, default=16, show_default=True),
            click.option("--max-epochs", type=int, default=6, show_default=True),
            click.option("--output", type=click.Path(path_type=Path), required=True),
            click.option("--dataset", default="mnist", show_default=True),
            click.option("--workers", type=int, default=2, show_default=True),
            click.option(
                "--device", type=click.Choice(["cpu", "cuda"]), default="cpu", show_default=True
            ),
        )
    ):
        command = option(command)
    return command
