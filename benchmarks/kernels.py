"""Share of each kind of GPU kernel in a training step: ``python -m benchmarks.kernels``.

Runs eager training steps of each network under PyTorch's profiler, and adds up the time of the
kernels by kind. The kind of a kernel is derived from its name. The share of matrix products is an
upper bound of the share of the GPU's peak that a step can reach, because all other kernels are
bound by memory.
"""

import re
from collections import defaultdict
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
import numpy as np
import pandas as pd
import torch
from torch.profiler import ProfilerActivity, profile

from benchmarks.packing import config_of
from benchmarks.step import GPU_CASES
from benchmarks.tables import show_and_write
from tune_mnist.command import run
from tune_mnist.data import DataSplit, load_dataset, split_dataset
from tune_mnist.training import Trainer, resolve_compute

STEM = Path(__file__).with_suffix("")
BATCHES = 5
KINDS = (
    ("optimizer", r"fused_adam|fused_sgd|FusedOptimizer|multi_tensor"),
    ("batch norm", r"batch_?norm|bn_|bnorm"),
    ("pooling", r"pool"),
    ("convolution or matrix product", r"gemm|conv|xmma|cutlass|wgrad|dgrad|fprop|cudnn|nvjet"),
    ("resizing", r"upsample|index_?select|indexSelect"),
    ("reduction", r"reduce|softmax|nll_loss"),
    ("copy or cast", r"copy|Memcpy|Memset|nchwToNhwc|nhwcToNchw|fill"),
    ("elementwise", r"elementwise|dropout"),
)


def kind_of(kernel: str) -> str:
    """Return the kind of the kernel with a given name."""
    for kind, pattern in KINDS:
        if re.search(pattern, kernel, re.IGNORECASE):
            return kind
    return "other"


def kernel_times(case: str, data: DataSplit, image_size: int) -> dict[str, float]:
    """Return the time of each kernel in one training step, in milliseconds.

    Args:
        case: Model and batch size, ``<model>:<batch size>``.
        data: Images, labels and indices.
        image_size: Side of the images in pixels.
    """
    config = config_of(case, image_size)
    train = np.resize(data.train, BATCHES * config.batch_size)
    data = replace(data, train=train, val=data.val[:0])
    trainer = Trainer(config, data, replace(resolve_compute("cuda"), cuda_graphs=False))
    trainer.run_epoch()
    with profile(activities=[ProfilerActivity.CUDA]) as profiled:
        trainer.run_epoch()
    return {
        event.key: event.self_device_time_total / 1000 / BATCHES
        for event in profiled.key_averages()
        if event.self_device_time_total > 0
    }


def rows(case: str, times: dict[str, float]) -> list[dict[str, Any]]:
    """Return a row for each kind of kernel, with milliseconds per step and share.

    Args:
        case: Model and batch size, ``<model>:<batch size>``.
        times: Milliseconds per step, by kernel.
    """
    by_kind: defaultdict[str, float] = defaultdict(float)
    for kernel, milliseconds in times.items():
        by_kind[kind_of(kernel)] += milliseconds
    total = sum(by_kind.values())
    return [
        {"case": case, "kind": kind, "ms_per_step": spent, "percent": 100 * spent / total}
        for kind, spent in sorted(by_kind.items(), key=lambda item: -item[1])
    ]


@click.command()
@click.option("--case", "cases", multiple=True, help=f"Case, model:batch.  [default: {GPU_CASES}]")
@click.option("--image-size", type=int, default=224, show_default=True)
@click.option("--dataset", default="mnist", show_default=True)
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    default=STEM,
    help="Output path without extension.",
)
def main(cases: tuple[str, ...], image_size: int, dataset: str, output: Path) -> None:
    """Add up the time of a training step's kernels by kind."""
    data = split_dataset(load_dataset(dataset))
    table = []
    for case in cases or GPU_CASES:
        times = kernel_times(case, data, image_size)
        table += rows(case, times)
        for kernel, spent in sorted(times.items(), key=lambda item: -item[1])[:8]:
            click.echo(f"{case}: {spent:8.3f} ms {kind_of(kernel)}: {kernel[:100]}")
    show_and_write(pd.DataFrame(table), output, f"Kernels of a training step, {torch.__version__}")


if __name__ == "__main__":
    run(main)
