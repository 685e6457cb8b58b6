"""A plain Ray Tune script, as in Ray's guide for PyTorch.

Uses a DataLoader per trial, a checkpoint per epoch, and OptunaSearch and ASHAScheduler with their
defaults.
"""

from typing import Any

import click

from benchmarks.versus.contestant import EpochLog, Task, common_options, open_log
from benchmarks.versus.plain_training import PlainTraining
from benchmarks.versus.ray_search import report_epochs, search
from benchmarks.versus.training_data import data_loaders
from tune_mnist.command import run


def train_mnist(config: dict[str, Any], task: Task, log: EpochLog) -> None:
    """Train a trial on images that torchvision's transforms prepare one by one."""
    data = data_loaders(task.dataset, task.data_dir, config["batch_size"])
    report_epochs(PlainTraining(config, data, task.max_epochs, task.seed, task.device), log)


@click.command()
@common_options
def main(**options: Any) -> int:
    """Search with Ray Tune as in its guide."""
    task = Task(**options)
    return search(task, train_mnist, log=open_log(task))


if __name__ == "__main__":
    run(main)
