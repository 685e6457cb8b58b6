"""Many LeNets trained as one stacked network on a GPU: ``python -m benchmarks.stacked``.

Prototype that shows whether training several trials in one process pays off. The weights of all
networks are stacked along a first dimension. ``torch.func.vmap`` turns their convolutions into
grouped convolutions and their dense layers into batched matrix products. Each network has its own
order of images and its own learning rate (Adam), and one CUDA graph contains a step of all
networks. The throughput is compared with that of one network trained the same way.

Source: "packed trials", Wang, Yang, Shan et al., "Horizontally Fused Training Array", MLSys 2021.
"""

import time
from pathlib import Path

import click
import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn
from torch.func import functional_call, stack_module_state, vmap
from torch.nn.functional import cross_entropy

from benchmarks.tables import show_and_write
from tune_mnist.command import run
from tune_mnist.data import Batches, DataSplit, load_dataset, split_dataset, to_tensor
from tune_mnist.models import create_model
from tune_mnist.training import Compute, resolve_compute

STEM = Path(__file__).with_suffix("")
NETWORKS = (1, 8, 16, 32, 64)
LR = 3e-3
BETAS = (0.9, 0.999)
EPSILON = 1e-8
WARM_UP_STEPS = 3
REPLAYS = 10


class MeanPool(nn.Module):
    """Average pooling by 2x2, computed as the mean of a view; the gradient is an expansion.

    Shapes:
        input float (..., H, W) with even H and W; output float (..., H/2, W/2).
    """

    def forward(self, maps: Tensor) -> Tensor:
        """Return the pooled feature maps."""
        *rest, height, width = maps.shape
        return maps.reshape(*rest, height // 2, 2, width // 2, 2).mean((-3, -1))


class StackedLeNets:
    """Several LeNets that are trained in a single step.

    Args:
        count: Number of networks.
        data: Images, labels and indices.
        batch_size: Batch size of each network.
        compute: Device and number format.

    Attributes:
        weights: Stacked weights by name, float32 (count, ...).
        order: Indices of each network's training images, int64 (count, N).
    """

    def __init__(self, count: int, data: DataSplit, batch_size: int, compute: Compute) -> None:
        device = compute.device
        networks = [create_model("lenet").to(device) for _ in range(count)]
        stacked, _ = stack_module_state(networks)
        self.weights = {name: weight.detach().requires_grad_() for name, weight in stacked.items()}
        self._network = create_model("lenet").to("meta")
        features = self._network.get_submodule("features")
        features.add_module("2", MeanPool())
        features.add_module("5", MeanPool())
        self._batches = Batches(
            to_tensor(data.images),
            to_tensor(data.labels),
            to_tensor(data.train),
            batch_size,
            size=32,
            resize=False,
            device=device,
        )
        train = to_tensor(data.train).to(device)
        self.order = torch.stack([train[torch.randperm(len(train))] for _ in range(count)])
        self._compute, self._count, self._batch_size = compute, count, batch_size
        self._list = list(self.weights.values())
        self._means, self._squares = (
            [torch.zeros_like(weight) for weight in self._list] for _ in range(2)
        )
        self._lr = torch.full((count,), LR, device=device)
        self._number = torch.zeros((), dtype=torch.int64, device=device)
        self._positions = torch.arange(batch_size, device=device)

    def step(self) -> None:
        """Take one Adam step on the next batch of each network."""
        start = self._number * self._batch_size
        chosen = self.order[:, (self._positions + start) % self.order.shape[1]]
        images, labels = self._batches.gather(chosen.flatten())
        images = images.view(self._count, self._batch_size, *images.shape[1:])
        with self._compute.autocast():
            logits = vmap(self._forward)(self.weights, images)
        loss = cross_entropy(logits.float().flatten(0, 1), labels, reduction="sum")
        gradients = torch.autograd.grad(loss / self._batch_size, self._list)
        self._number += 1
        with torch.no_grad():
            self._adam(list(gradients))

    def _forward(self, weights: dict[str, Tensor], images: Tensor) -> Tensor:
        logits: Tensor = functional_call(self._network, weights, (images,))
        return logits

    def _adam(self, gradients: list[Tensor]) -> None:
        """Update all weights (Kingma, Ba, ICLR 2015, Algorithm 1)."""
        torch._foreach_lerp_(self._means, gradients, 1 - BETAS[0])
        torch._foreach_mul_(self._squares, BETAS[1])
        torch._foreach_addcmul_(self._squares, gradients, gradients, 1 - BETAS[1])
        size = self._lr / (1 - BETAS[0] ** self._number)
        correction = (1 - BETAS[1] ** self._number).sqrt()
        roots = torch._foreach_sqrt(self._squares)
        torch._foreach_div_(roots, [correction] * len(roots))
        torch._foreach_add_(roots, EPSILON)
        steps = torch._foreach_mul(
            self._means, [-size.view(-1, *[1] * (w.dim() - 1)) for w in self._list]
        )
        torch._foreach_addcdiv_(self._list, steps, roots)


def images_per_second(stacked: StackedLeNets, images: int, seconds: float) -> float:
    """Replay the step as a CUDA graph; return the images per second.

    Args:
        stacked: Networks to train.
        images: Number of images per step, all networks together.
        seconds: Duration of the measurement in seconds.
    """
    stream = torch.cuda.Stream()  # type: ignore[no-untyped-call]
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        for _ in range(WARM_UP_STEPS):
            stacked.step()
    torch.cuda.current_stream().wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        stacked.step()
    torch.cuda.synchronize()
    start, steps = time.perf_counter(), 0
    while time.perf_counter() - start < seconds:
        for _ in range(REPLAYS):
            graph.replay()
        torch.cuda.synchronize()
        steps += REPLAYS
    return images * steps / (time.perf_counter() - start)


@click.command()
@click.option("--networks", "counts", type=int, multiple=True, help=f"[default: {NETWORKS}]")
@click.option("--batch-size", type=int, default=64, show_default=True)
@click.option("--seconds", type=float, default=0.5, show_default=True)
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    default=STEM,
    help="Output path without extension.",
)
def main(counts: tuple[int, ...], batch_size: int, seconds: float, output: Path) -> None:
    """Measure the training throughput of stacked LeNets on one GPU."""
    device = resolve_compute("cuda").device
    data = split_dataset(load_dataset("mnist"))
    rows = []
    for bf16 in (False, True):
        for count in sorted({1, *(counts or NETWORKS)}):
            torch.manual_seed(0)
            stacked = StackedLeNets(count, data, batch_size, Compute(device, bf16))
            rate = images_per_second(stacked, count * batch_size, seconds)
            rows.append(
                {
                    "precision": "bf16" if bf16 else "fp32",
                    "networks": count,
                    "batch_size": batch_size,
                    "images_per_second": np.round(rate),
                }
            )
    table = pd.DataFrame(rows)
    alone = table[table["networks"] == 1].set_index("precision")["images_per_second"]
    table["ratio_to_one"] = table["images_per_second"] / table["precision"].map(alone)
    show_and_write(table, output, "LeNets trained as one stacked network")


if __name__ == "__main__":
    run(main)
