"""Training throughput of workers that share a GPU: ``python -m benchmarks.packing``.

Workers train the same network at the same time, each with an equal share of one GPU as
``--gpus-per-trial`` assigns it. Their total throughput is compared with that of a single worker.
Small networks should gain, because they leave most of a GPU idle. Without a GPU, each worker uses
one CPU core.

All workers are timed within the same interval: they start training before the interval and stop
after it. The numbers of workers alternate for several rounds, and the table has the medians.
"""

import statistics
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
import pandas as pd
import ray
import torch

from benchmarks.tables import show_and_write
from tune_mnist.command import run
from tune_mnist.data import DataSplit, load_dataset, split_dataset
from tune_mnist.errors import UserError
from tune_mnist.training import TrainConfig, Trainer, resolve_compute
from tune_mnist.tuning.cluster.connection import connected

STEM = Path(__file__).with_suffix("")
CASES = ("lenet:64", "resnet:64")
AT_A_TIME = (1, 2, 4)
LR = 1e-4
WARM_UP_BATCHES = 3
MIN_BATCHES = 5
"""Minimum number of batches that each worker must train in the timed interval."""

LEAD_SECONDS = 1.0
"""Time before the timed interval in which all workers start to train."""


class _EnoughError(Exception):
    """Raised to end an epoch early."""


class PackedWorker:
    """Worker that trains a network at the same time as other workers.

    Args:
        config: Configuration to train.
        data: Images and labels; the validation part is not used.
        device: Device, cpu or cuda.
        precision: Number format: auto, fp32 or bf16.
    """

    def __init__(self, config: TrainConfig, data: DataSplit, device: str, precision: str) -> None:
        torch.set_num_threads(1)
        data = replace(data, val=data.val[:0])
        self._trainer = Trainer(config, data, resolve_compute(device, precision))

    def warm_up(self) -> None:
        """Train a few batches that are not counted, to allocate memory and load code."""
        left = WARM_UP_BATCHES

        def on_batch(_: int) -> None:
            nonlocal left
            left -= 1
            if not left:
                raise _EnoughError

        self._train(on_batch)

    def batches_between(self, begin: float, end: float) -> list[tuple[float, int]]:
        """Train, and return the end time and number of images of each batch in an interval.

        Args:
            begin: Start of the interval, in seconds since 1970.
            end: End of the interval, in seconds since 1970.
        """
        through: list[tuple[float, int]] = []

        def on_batch(images: int) -> None:
            # Assumes that the delay of the GPU is the same at the start and at the end.
            now = time.time()
            if now >= end:
                raise _EnoughError
            if now >= begin:
                through.append((now, images))

        self._train(on_batch)
        return through

    def _train(self, on_batch: Callable[[int], None]) -> None:
        try:
            while True:
                self._trainer.run_epoch(on_batch)
        except _EnoughError:
            pass


def config_of(case: str, image_size: int) -> TrainConfig:
    """Return the configuration for a model and batch size, ``<model>:<batch size>``.

    Raises:
        UserError: The text does not have the form ``<model>:<batch size>``.
    """
    model, _, batch = case.partition(":")
    if not (batch.isascii() and batch.isdigit()):
        raise UserError(
            f"--case {case}: the case must be a model and a batch size, such as lenet:64"
        )
    return TrainConfig.checked(model=model, lr=LR, batch_size=int(batch), image_size=image_size)


def images_per_second(
    config: TrainConfig, count: int, gpu: bool, data: Any, seconds: float, precision: str
) -> float:
    """Return the total throughput of workers that train at the same time.

    Args:
        config: Configuration that each worker trains.
        count: Number of workers.
        gpu: Whether the workers share a GPU.
        data: Reference to the data split in Ray's object store.
        seconds: Length of the timed interval in seconds.
        precision: Number format: auto, fp32 or bf16.

    Raises:
        UserError: A worker trained too few batches in the interval.
    """
    share = {"num_cpus": 1, "num_gpus": 1 / count if gpu else 0}
    remote = ray.remote(**share)(PackedWorker)
    device = "cuda" if gpu else "cpu"
    workers = [remote.remote(config, data, device, precision) for _ in range(count)]
    try:
        ray.get([worker.warm_up.remote() for worker in workers])
        begin = time.time() + LEAD_SECONDS
        timed = ray.get([each.batches_between.remote(begin, begin + seconds) for each in workers])
    finally:
        for worker in workers:
            ray.kill(worker)
    if min(map(len, timed)) <= MIN_BATCHES:
        raise UserError(
            f"--seconds {seconds:g}: the time is too short for {config.model} with batches of"
            f" {config.batch_size}: use a longer time, smaller batches or smaller images"
        )
    return sum(map(rate, timed))


def rate(through: list[tuple[float, int]]) -> float:
    """Return the images per second between the end of the first and of the last batch."""
    (first, _), (last, _) = through[0], through[-1]
    return sum(images for _, images in through[1:]) / (last - first)


def counts_that_fit(asked: tuple[int, ...], cpus: float) -> list[int]:
    """Return the numbers of workers to measure, starting with one.

    Args:
        asked: Numbers of workers that the user gave; empty: the default.
        cpus: Number of CPU cores; each worker uses one.

    Raises:
        UserError: A number of workers exceeds the number of CPU cores.
    """
    if asked and max(asked) > cpus:
        raise UserError(
            f"--at-a-time must be at most {cpus:g}, the number of CPU cores, but is {max(asked)}"
        )
    return sorted({1, *(count for count in asked or AT_A_TIME if count <= cpus)})


def table(rates: dict[tuple[str, int], list[float]], gpu: bool) -> pd.DataFrame:
    """Return a row for each case and number of workers, with medians and ratios to one worker.

    Args:
        rates: Images per second of each round, by case and number of workers.
        gpu: Whether the workers shared a GPU.
    """
    medians = {key: statistics.median(found) for key, found in rates.items()}
    return pd.DataFrame(
        [
            {
                "case": case,
                "device": "one GPU" if gpu else "a CPU core each",
                "workers": count,
                "images_per_second": median,
                "ratio_to_one_alone": median / medians[case, 1],
            }
            for (case, count), median in medians.items()
        ]
    )


@click.command()
@click.option("--case", "cases", multiple=True, default=CASES, show_default=True)
@click.option(
    "--at-a-time",
    "asked",
    type=click.IntRange(min=1),
    multiple=True,
    help="Number of workers; may be repeated.  [default: 1, 2, 4, up to the CPU cores]",
)
@click.option("--rounds", type=click.IntRange(min=1), default=3, show_default=True)
@click.option("--seconds", type=click.FloatRange(min=1), default=10, show_default=True)
@click.option("--image-size", type=int, default=224, show_default=True)
@click.option("--precision", default="auto", show_default=True)
@click.option("--dataset", default="mnist", show_default=True)
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    default=STEM,
    help="Output path without extension.",
)
def main(
    cases: tuple[str, ...],
    asked: tuple[int, ...],
    rounds: int,
    seconds: float,
    image_size: int,
    precision: str,
    dataset: str,
    output: Path,
) -> None:
    """Measure the throughput of workers that share a device, compared with a single worker."""
    configs = {case: config_of(case, image_size) for case in cases}
    resolve_compute(precision=precision)
    split = split_dataset(load_dataset(dataset))
    rates: dict[tuple[str, int], list[float]] = {}
    with connected(None) as resources:
        counts = counts_that_fit(asked, resources.cpus)
        data, gpu = ray.put(split), resources.gpus > 0
        for case, config in configs.items():
            for _ in range(rounds):
                for count in counts:
                    found = images_per_second(config, count, gpu, data, seconds, precision)
                    rates.setdefault((case, count), []).append(found)
                    click.echo(f"{case}, {count} at a time: {found:,.0f} images/s")
    title = (
        f"Workers that train at the same time, {dataset}, image size {image_size} (LeNet: 32),"
        f" precision {precision}, medians of {rounds} rounds of {seconds:g} s"
    )
    show_and_write(table(rates, gpu), output, title)


if __name__ == "__main__":
    run(main)
