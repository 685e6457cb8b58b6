"""Training epochs whose steps are replayed as one CUDA graph."""

import warnings
from collections.abc import Sequence

import torch

from tune_mnist.data import Batches
from tune_mnist.training.epochs import (
    EagerEpochs,
    EpochTotals,
    OnBatch,
    TrainingStep,
    set_learning_rate,
)
from tune_mnist.training.memory import is_out_of_memory

# PyTorch's notes on CUDA graphs ask for a few steps on a side stream before capture: libraries
# choose their algorithms in them, and the optimizer allocates its state.
WARM_UP_STEPS = 3


class GraphedEpochs:
    """Captures the training step once as a CUDA graph, and replays it for every full batch.

    A step of a small network is some sixty kernels of a few microseconds each, and the CPU needs
    longer to start them than the GPU to run them. A replay starts all of them at once. Gathering
    and resizing the images, the learning rate and the optimizer are part of the graph; a last
    batch that is smaller runs outside of it.

    Each step finds its batch by a counter on the GPU: the epoch's order of images and its learning
    rates are copied there once an epoch, so that a replay needs nothing from the CPU.

    A network that cannot be captured (its forward pass reads a tensor's value, for instance) is
    trained eagerly, with a warning.

    Source: PyTorch, "CUDA semantics", section "CUDA Graphs"
    (https://docs.pytorch.org/docs/stable/notes/cuda.html).

    Args:
        step: Training step on a GPU, with a capturable optimizer.
    """

    def __init__(self, step: TrainingStep) -> None:
        self._step = step
        self._totals = EpochTotals(step.compute.device)
        self._eager = EagerEpochs(step)
        self._graphed: _GraphedStep | None = None
        self._capturable = True

    def run(
        self, batches: Batches, learning_rates: Sequence[float], on_batch: OnBatch | None
    ) -> tuple[float, float]:
        """Train one epoch; see :class:`tune_mnist.training.epochs.Epochs`."""
        if not self._capturable:
            return self._eager.run(batches, learning_rates, on_batch)
        if self._graphed is None or self._graphed.batches is not batches:
            self._graphed = _GraphedStep(self._step, batches, self._totals)
        self._totals.reset()
        order, size = batches.order(), batches.batch_size
        self._graphed.begin_epoch(order, learning_rates)
        full = len(order) // size
        for _ in range(full):
            self._graphed.run()
            if on_batch is not None:
                on_batch(size)
        self._capturable = self._graphed.capturable
        set_learning_rate(self._step.optimizer, learning_rates[-1])
        rest = order[full * size :]
        if len(rest):
            images, labels = batches.gather(rest)
            self._step.run(images, labels, self._totals)
            if on_batch is not None:
                on_batch(len(rest))
        return self._totals.means(len(order))


class _GraphedStep:
    """One training step over a full batch: eager while warming up, then a graph's replay."""

    def __init__(self, step: TrainingStep, batches: Batches, totals: EpochTotals) -> None:
        self.batches = batches
        self.capturable = True
        self._step, self._totals = step, totals
        device = step.compute.device
        self._order = torch.empty(batches.num_images, dtype=torch.int64, device=device)
        self._learning_rates = torch.empty(len(batches), device=device)
        self._positions = torch.arange(batches.batch_size, device=device)
        self._number = torch.zeros((1,), dtype=torch.int64, device=device)
        self._lr = torch.empty((), device=device)
        self._stream = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
        self._graph: torch.cuda.CUDAGraph | None = None
        self._warmed_up = 0

    def begin_epoch(self, order: torch.Tensor, learning_rates: Sequence[float]) -> None:
        """Take over the order of an epoch's images and the learning rate of each batch."""
        self._order.copy_(order)
        self._learning_rates.copy_(torch.tensor(learning_rates))
        self._number.zero_()

    def run(self) -> None:
        """Train on the next batch."""
        if self._graph is None and self.capturable and self._warmed_up == WARM_UP_STEPS:
            self._capture()
        if self._graph is not None:
            self._graph.replay()
            return
        self._warmed_up = min(self._warmed_up + 1, WARM_UP_STEPS)
        current = torch.cuda.current_stream(self._step.compute.device)
        self._stream.wait_stream(current)
        with torch.cuda.stream(self._stream):
            self._train()
        current.wait_stream(self._stream)

    def _capture(self) -> None:
        graph = torch.cuda.CUDAGraph()
        try:
            # Ray Tune trains in a thread; what other threads do must not break the capture.
            with torch.cuda.graph(graph, capture_error_mode="thread_local"):
                self._train()
        except RuntimeError as error:
            if is_out_of_memory(error):
                raise
            self.capturable = False
            reason = str(error).strip().splitlines()[0]
            warnings.warn(f"trains without a CUDA graph: {reason}", stacklevel=2)
            return
        self._graph = graph

    def _train(self) -> None:
        torch.index_select(self._learning_rates, 0, self._number, out=self._lr.view(1))
        set_learning_rate(self._step.optimizer, self._lr)
        batch = self._order.index_select(
            0, self._positions + self._number * self.batches.batch_size
        )
        images, labels = self.batches.gather(batch)
        self._step.run(images, labels, self._totals)
        self._number += 1
