"""A good plain Ray Tune script: the images are prepared once and shared by all trials.

All images are tensors in Ray's object store, which the trials map without copying them, and a
batch is gathered by index. The rest is as in ``ray_tune.py``.
"""

from typing import Any

import click

from benchmarks.versus.contestant import EpochLog, Task, common_options, open_log
from benchmarks.versus.plain_training import PlainTraining
from benchmarks.versus.ray_search import report_epochs, search
from benchmarks.versus.training_data import Prepared, prepare_all
from tune_mnist.command import run


def train_mnist(config: dict[str, Any], task: Task, log: EpochLog, images: Prepared) -> None:
    """Train a trial on prepared images."""
    data = images.batches(config["batch_size"])
    report_epochs(PlainTraining(config, data, task.max_epochs, task.seed, task.device), log)


@click.command()
@common_options
def main(**options: Any) -> int:
    """Search with Ray Tune, with all images in memory."""
    task = Task(**options)
    log = open_log(task)
    return search(task, train_mnist, log=log, images=prepare_all(task.dataset, task.data_dir))


if __name__ == "__main__":
    run(main)
