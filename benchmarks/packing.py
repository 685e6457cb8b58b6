"""How much more does a GPU train when trials share it? ``python -m benchmarks.packing``.

As many workers as asked train the same network at the same time, each with its share of one GPU
as ``--gpus-per-trial`` gives it, and for the same stretch of time. What they train together is set
against one worker that has the GPU for itself: small networks leave most of a GPU idle, and gain;
large ones do not. Without a GPU, workers of one CPU core each do the same.
"""

import time
from dataclasses import dataclass, replace
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
from tune_mnist.tuning.cluster.connection import Resources, connected

STEM = Path(__file__).with_suffix("")
CASES = ("lenet:64", "resnet:64")
AT_A_TIME = (1, 2, 4)
LR = 1e-4


@dataclass(frozen=True)
class Options:
    """What every worker does.

    Attributes:
        image_size: side in pixels of the images of AlexNet, ResNet and VGG.
        images: in an epoch.
        seconds: to train for.
        precision: auto, fp32 or bf16.
    """

    image_size: int
    images: int
    seconds: float
    precision: str


class PackedWorker:
    """Trains one network, beside others.

    Args:
        case: ``<model>:<batch size>``.
        data: the split.
        options: what to do.
        device: cpu or cuda.
    """

    def __init__(self, case: str, data: DataSplit, options: Options, device: str) -> None:
        torch.set_num_threads(1)
        model, batch = case.split(":")
        config = TrainConfig.checked(
            model=model, lr=LR, batch_size=int(batch), image_size=options.image_size
        )
        few = replace(data, train=data.train[: options.images], val=data.val[:0])
        self._trainer = Trainer(config, few, resolve_compute(device, options.precision))
        self._seconds = options.seconds

    def warm_up(self) -> None:
        """Train an epoch that is not counted: it pays for memory and code."""
        self._trainer.run_epoch()

    def images_per_second(self) -> float:
        """Train whole epochs for the time given."""
        start, seen = time.perf_counter(), 0
        while time.perf_counter() - start < self._seconds:
            self._trainer.run_epoch()
            seen += self._trainer.train_batches.num_images
        return seen / (time.perf_counter() - start)


def measure(case: str, count: int, gpu: bool, data: Any, options: Options) -> float:
    """Return the images a second that workers train together.

    Args:
        case: ``<model>:<batch size>``.
        count: how many workers.
        gpu: whether they share a GPU.
        data: reference to the split in the object store.
        options: what they do.
    """
    share = {"num_cpus": 1, "num_gpus": 1 / count if gpu else 0}
    remote = ray.remote(**share)(PackedWorker)
    device = "cuda" if gpu else "cpu"
    workers = [remote.remote(case, data, options, device) for _ in range(count)]
    try:
        ray.get([worker.warm_up.remote() for worker in workers])
        return float(sum(ray.get([worker.images_per_second.remote() for worker in workers])))
    finally:
        for worker in workers:
            ray.kill(worker)


def check_room(counts: tuple[int, ...], resources: Resources) -> None:
    """See that there is a CPU core for each worker.

    Raises:
        UserError: there is not.
    """
    if max(counts) > resources.cpus:
        raise UserError(
            f"--at-a-time {max(counts)}: each worker takes a CPU core, and there are"
            f" {resources.cpus:g}"
        )


@click.command()
@click.option("--case", "cases", multiple=True, default=CASES, show_default=True)
@click.option(
    "--at-a-time", "counts", type=click.IntRange(min=1), multiple=True, default=AT_A_TIME
)
@click.option("--seconds", type=float, default=10, show_default=True, help="Of each measurement.")
@click.option("--images", type=int, default=4096, show_default=True, help="In an epoch.")
@click.option("--image-size", type=int, default=224, show_default=True)
@click.option("--precision", default="auto", show_default=True)
@click.option("--dataset", default="mnist", show_default=True)
@click.option("--output", type=click.Path(path_type=Path), default=STEM, help="Stem of the files.")
def main(
    cases: tuple[str, ...], counts: tuple[int, ...], dataset: str, output: Path, **given: Any
) -> None:
    """Measure what workers train that share a device, against one alone."""
    options, rows = Options(**given), []
    split = split_dataset(load_dataset(dataset))
    with connected(None) as resources:
        check_room(counts, resources)
        data, gpu = ray.put(split), resources.gpus > 0
        for case in cases:
            alone = measure(case, 1, gpu, data, options)
            for count in counts:
                together = alone if count == 1 else measure(case, count, gpu, data, options)
                rows.append(
                    {
                        "case": case,
                        "device": "one GPU" if gpu else "a CPU core each",
                        "workers": count,
                        "images_per_second": together,
                        "ratio_to_one_alone": together / alone,
                    }
                )
                click.echo(rows[-1])
    show_and_write(
        pd.DataFrame(rows),
        output,
        f"Workers that share a device, {options.images} images an epoch",
    )


if __name__ == "__main__":
    run(main)
