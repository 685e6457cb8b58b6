"""How much more does a GPU train when trials share it? ``python -m benchmarks.packing``.

As many workers as asked train the same network at the same time, each with its share of one GPU
as ``--gpus-per-trial`` gives it. What they train together is set against one worker that has the
GPU for itself. Small networks should gain, for they leave most of a GPU idle. Without a GPU,
workers of one CPU core each do the same.

All workers are timed within the same stretch of time, begin before it and train beyond it. The
numbers of workers take turns for some rounds; the table has the medians.
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
"""That each worker has to train in the time given."""

LEAD_SECONDS = 1.0
"""Time for every worker to be told and to train, before it is timed."""


class _EnoughError(Exception):
    """Ends an epoch in the middle."""


class PackedWorker:
    """Trains one network, beside others.

    Args:
        config: what to train.
        data: the split; it is not validated.
        device: cpu or cuda.
        precision: auto, fp32 or bf16.
    """

    def __init__(self, config: TrainConfig, data: DataSplit, device: str, precision: str) -> None:
        torch.set_num_threads(1)
        data = replace(data, val=data.val[:0])
        self._trainer = Trainer(config, data, resolve_compute(device, precision))

    def warm_up(self) -> None:
        """Train some batches that are not counted: they pay for memory and code."""
        left = WARM_UP_BATCHES

        def on_batch(_: int) -> None:
            nonlocal left
            left -= 1
            if not left:
                raise _EnoughError

        self._train(on_batch)

    def batches_between(self, begin: float, end: float) -> list[tuple[float, int]]:
        """Train; return when each batch was through between two moments, and its images.

        Args:
            begin: in seconds since 1970.
            end: the same.
        """
        through: list[tuple[float, int]] = []

        def on_batch(images: int) -> None:
            # How far a GPU lags behind is taken to be the same at the begin and at the end.
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
    """Return the configuration that ``<model>:<batch size>`` stands for.

    Raises:
        UserError: it stands for none.
    """
    model, _, batch = case.partition(":")
    if not (batch.isascii() and batch.isdigit()):
        raise UserError(f"--case {case}: must be model and batch size, such as lenet:64")
    return TrainConfig.checked(model=model, lr=LR, batch_size=int(batch), image_size=image_size)


def images_per_second(
    config: TrainConfig, count: int, gpu: bool, data: Any, seconds: float, precision: str
) -> float:
    """Return what workers train together.

    Args:
        config: what each of them trains.
        count: how many workers.
        gpu: whether they share a GPU.
        data: reference to the split in the object store.
        seconds: for how long to time them.
        precision: auto, fp32 or bf16.

    Raises:
        UserError: the time is too short for so slow a network.
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
            f"--seconds {seconds:g}: too few for {config.model} in batches of"
            f" {config.batch_size}: take more, or smaller batches or images"
        )
    return sum(map(rate, timed))


def rate(through: list[tuple[float, int]]) -> float:
    """Return the images a second between the ends of the first and of the last batch."""
    (first, _), (last, _) = through[0], through[-1]
    return sum(images for _, images in through[1:]) / (last - first)


def counts_that_fit(asked: tuple[int, ...], cpus: float) -> list[int]:
    """Return how many workers to try at a time: one, and more.

    Args:
        asked: by the user; empty: nothing is asked for.
        cpus: how many cores there are; a worker takes one.

    Raises:
        UserError: fewer cores than were asked for.
    """
    if asked and max(asked) > cpus:
        raise UserError(f"--at-a-time {max(asked)}: a worker takes a CPU core: there are {cpus:g}")
    return sorted({1, *(count for count in asked or AT_A_TIME if count <= cpus)})


def table(rates: dict[tuple[str, int], list[float]], gpu: bool) -> pd.DataFrame:
    """Return a row for each case and number of workers: medians, and ratios to one alone.

    Args:
        rates: images a second of each round, by case and number of workers.
        gpu: whether they shared a GPU.
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
    help="How many workers; may be repeated.  [default: 1, 2, 4, as far as there are CPU cores]",
)
@click.option("--rounds", type=click.IntRange(min=1), default=3, show_default=True)
@click.option("--seconds", type=click.FloatRange(min=1), default=10, show_default=True)
@click.option("--image-size", type=int, default=224, show_default=True)
@click.option("--precision", default="auto", show_default=True)
@click.option("--dataset", default="mnist", show_default=True)
@click.option("--output", type=click.Path(path_type=Path), default=STEM, help="Stem of the files.")
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
    """Measure what workers train that share a device, against one alone."""
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
