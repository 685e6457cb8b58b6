"""Training throughput compared with a plain loop: ``python -m benchmarks.step``.

Each network is trained by the following methods in turn, for several rounds, in one process with
the same number of threads:

- ours: the project's Trainer, in the precision that ``auto`` selects on this machine;
- eager, only on a GPU: the same Trainer without a CUDA graph;
- plain: a typical script in fp32, with a torch DataLoader (``num_workers=0``, its default) over a
  Dataset that converts each sample to a PIL image and applies torchvision's transforms (LeNet:
  Pad(2) and ToTensor; others: Resize and ToTensor), and with ``loss.item()`` at every batch;
- limit: the product of two large matrices by ``torch.mm``, in fp32 and in bf16.

Network, initial weights, optimizer (Adam) and images are the same. A training step is assumed to
take three times the operations of a forward pass, which ``tune_mnist/models/cost.py`` counts. The
share of the limit is the rate of these operations divided by the rate of the matrix product in the
same precision. The first round is a warm-up; the table has the medians of the others.
"""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click
import numpy as np
import pandas as pd
import torch
from torch.nn.functional import cross_entropy
from torch.utils.data import DataLoader

from benchmarks.sample_dataset import SampleDataset
from benchmarks.tables import show_and_write
from tune_mnist.command import run
from tune_mnist.data import DataSplit, load_dataset, split_dataset
from tune_mnist.models import create_model, get_architecture
from tune_mnist.models.cost import count_flops
from tune_mnist.training import TrainConfig, Trainer, resolve_compute

STEM = Path(__file__).with_suffix("")
TRAINING_PASSES = 3
"""Number of passes of equal cost: forward, gradient of activations, gradient of weights."""

CASES = ("lenet:32", "lenet:128", "alexnet:32", "resnet:32", "vggnet:16")
BATCHES = {"lenet": 100}
FEW_BATCHES = 4
GPU_CASES = ("lenet:64", "lenet:256", "alexnet:128", "resnet:128", "vggnet:64")
GPU_BATCHES = {"lenet": 750}
FEW_GPU_BATCHES = 20
PLAIN_BATCHES = 4
"""Maximum batches of the plain loop on a GPU, where the CPU that prepares images is the limit."""

LR = 1e-4


class PlainLoop:
    """Training loop of a typical script.

    Args:
        config: Configuration to train.
        data: Images, labels and indices.
        loader_workers: Number of processes that prepare images.
        device: Device of the network.
    """

    def __init__(
        self, config: TrainConfig, data: DataSplit, loader_workers: int, device: torch.device
    ) -> None:
        torch.manual_seed(config.seed)
        self._device = device
        self._model = create_model(
            config.model, data.num_classes, config.dropout, config.image_size
        ).to(device)
        self._optimizer = torch.optim.Adam(self._model.parameters(), lr=config.lr)
        self._loader: DataLoader[tuple[torch.Tensor, int]] = DataLoader(
            SampleDataset(data, data.train, config.model, config.image_size),
            batch_size=config.batch_size,
            shuffle=True,
            num_workers=loader_workers,
        )

    def images_per_second(self) -> float:
        """Train an epoch; return the images per second."""
        self._model.train()
        start, seen, loss_sum = time.perf_counter(), 0, 0.0
        for batch in self._loader:
            images, labels = (tensor.to(self._device) for tensor in batch)
            self._optimizer.zero_grad()
            loss = cross_entropy(self._model(images), labels)
            loss.backward()  # type: ignore[no-untyped-call]
            self._optimizer.step()
            loss_sum += loss.item() * len(labels)
            seen += len(labels)
        return seen / (time.perf_counter() - start)


@dataclass(frozen=True)
class Options:
    """Settings of the measurement.

    Attributes:
        rounds: Number of counted rounds.
        image_size: Side of the images of AlexNet, ResNet and VGG, in pixels.
        batches: Batches per epoch; None: a number that depends on network and device.
        gemm_size: Side of the matrices for the limit.
        loader_workers: Number of workers of the plain loop's DataLoader.
        precision: Number format of the project's Trainer.
        device: Device, cpu or cuda.
    """

    rounds: int
    image_size: int
    batches: int | None
    gemm_size: int
    loader_workers: int
    precision: str
    device: str = "cpu"


def gemm_flops_per_second(dtype: torch.dtype, size: int, device: torch.device) -> float:
    """Multiply two square matrices; return operations per second (a multiply-add is two)."""
    left, right = (torch.randn(size, size, device=device).to(dtype) for _ in range(2))
    products = 1
    if device.type == "cuda":
        products = 10
        torch.mm(left, right)
        torch.cuda.synchronize()
    start = time.perf_counter()
    for _ in range(products):
        torch.mm(left, right)
    if device.type == "cuda":
        torch.cuda.synchronize()
    return products * 2 * size**3 / (time.perf_counter() - start)


def measure(case: str, data: DataSplit, options: Options) -> dict[str, Any]:
    """Train a network by all methods in turn, with matrix products in between.

    Args:
        case: Model and batch size, ``<model>:<batch size>``.
        data: Images, labels and indices to sample from.
        options: Settings of the measurement.

    Returns:
        A row of the table.
    """
    model, batch = case.split(":")
    config = TrainConfig.checked(
        model=model, lr=LR, batch_size=int(batch), image_size=options.image_size
    )
    compute = resolve_compute(options.device, options.precision)
    gpu, device = compute.device.type == "cuda", compute.device
    usual, few = (GPU_BATCHES, FEW_GPU_BATCHES) if gpu else (BATCHES, FEW_BATCHES)
    # All methods use the same images, several times if there are too few.
    ours = _repeated(data, (options.batches or usual.get(model, few)) * config.batch_size)
    plain_data = _repeated(data, PLAIN_BATCHES * config.batch_size) if gpu else ours
    trainer = Trainer(config, ours, compute)
    plain = PlainLoop(config, plain_data, options.loader_workers, device)
    tasks: dict[str, Callable[[], float]] = {
        "ours": lambda: trainer.run_epoch().images_per_second,
        "plain": plain.images_per_second,
        "fp32": lambda: gemm_flops_per_second(torch.float32, options.gemm_size, device),
        "bf16": lambda: gemm_flops_per_second(torch.bfloat16, options.gemm_size, device),
    }
    if gpu:
        eager = Trainer(config, ours, replace(compute, cuda_graphs=False))
        tasks["eager"] = lambda: eager.run_epoch().images_per_second
    rates: dict[str, list[float]] = {name: [] for name in tasks}
    for counted in range(options.rounds + 1):
        for name, task in tasks.items():
            rate = task()
            if counted:
                rates[name].append(rate)
    medians = {name: statistics.median(found) for name, found in rates.items()}
    flops = TRAINING_PASSES * count_flops(model, options.image_size)
    return row(config, trainer.compute.precision, medians, flops)


def _repeated(data: DataSplit, images: int) -> DataSplit:
    return replace(data, train=np.resize(data.train, images), val=data.val[:0])


def row(
    config: TrainConfig, precision: str, medians: dict[str, float], flops: int
) -> dict[str, Any]:
    """Return a row of the table.

    Args:
        config: Trained configuration.
        precision: Number format of the project's Trainer, ``fp32`` or ``bf16``.
        medians: Images per second of ``ours``, ``plain`` and optionally ``eager``, and operations
            per second of the matrix products ``fp32`` and ``bf16``.
        flops: Operations per training image.
    """
    return {
        "model": config.model,
        "image_size": get_architecture(config.model).input_size(config.image_size),
        "batch_size": config.batch_size,
        "precision": precision,
        "ours_images_per_second": medians["ours"],
        "plain_images_per_second": medians["plain"],
        "ratio": medians["ours"] / medians["plain"],
        **({"ratio_to_eager": medians["ours"] / medians["eager"]} if "eager" in medians else {}),
        "gemm_fp32_gflops": medians["fp32"] / 1e9,
        "gemm_bf16_gflops": medians["bf16"] / 1e9,
        "ours_percent_of_gemm": 100 * medians["ours"] * flops / medians[precision],
        "plain_percent_of_gemm": 100 * medians["plain"] * flops / medians["fp32"],
    }


@click.command()
@click.option(
    "--case",
    "cases",
    multiple=True,
    help=f"Case, model:batch.  [default: {', '.join(CASES)}; on a GPU: {', '.join(GPU_CASES)}]",
)
@click.option("--rounds", type=click.IntRange(min=1), default=5, show_default=True)
@click.option("--image-size", type=int, default=224, show_default=True)
@click.option(
    "--batches", type=int, help="Batches per epoch.  [default: LeNet 100, others 4; more on a GPU]"
)
@click.option(
    "--threads", type=int, help="Number of PyTorch threads.  [default: PyTorch's default]"
)
@click.option("--gemm-size", type=int, default=4096, show_default=True)
@click.option("--loader-workers", type=int, default=0, show_default=True)
@click.option(
    "--precision",
    default="auto",
    show_default=True,
    help="Number format of the project's Trainer.",
)
@click.option("--device", type=click.Choice(["cpu", "cuda"]), default="cpu", show_default=True)
@click.option("--dataset", default="mnist", show_default=True)
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    default=STEM,
    help="Output path without extension.",
)
def main(
    cases: tuple[str, ...], threads: int | None, dataset: str, output: Path, **options: Any
) -> None:
    """Compare training throughput with a plain loop and the limit of the hardware."""
    if threads is not None:
        torch.set_num_threads(threads)
    data = split_dataset(load_dataset(dataset))
    rows = []
    gpu = options["device"] == "cuda"
    for case in cases or (GPU_CASES if gpu else CASES):
        rows.append(measure(case, data, Options(**options)))
        click.echo(f"{case}: {rows[-1]['ratio']:.2f}x the plain loop")
    where = "one GPU" if gpu else f"{torch.get_num_threads()} threads"
    title = f"Training throughput, {where}"
    show_and_write(pd.DataFrame(rows), output, title)


if __name__ == "__main__":
    run(main)
