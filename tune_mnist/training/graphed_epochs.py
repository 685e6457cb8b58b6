"""Training epochs that replay the training step as a CUDA graph."""

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

# PyTorch requires a few steps on a side stream before the capture, in which libraries choose their
# algorithms and the optimizer allocates its state.
WARM_UP_STEPS = 3


class GraphedEpochs:
    """Runs training epochs by replaying one captured CUDA graph for every full batch.

    A training step of a small network launches about sixty kernels of a few microseconds each. The
    CPU takes longer to launch the kernels than the GPU takes to run them, while a replay launches
    all of them in one call. The graph includes gathering and resizing the images, setting the
    learning rate and the optimizer step. A smaller last batch is trained eagerly.

    The image order and the learning rates of an epoch are copied to the GPU once per epoch, and a
    counter on the GPU selects the next batch, so that a replay needs no data from the CPU.

    A network that cannot be captured, for example because its forward pass reads the value of a
    tensor, is trained eagerly after a warning.

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
        """Train one epoch, as ``EagerEpochs.run`` does."""
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


def _end_capture_of_random_numbers(device: torch.device) -> None:
    """Make the random number generator of a GPU usable after a failed capture.

    PyTorch leaves the state of the generator in capture mode, in which dropout outside a graph
    raises an error (https://github.com/pytorch/pytorch/issues/171263). A copy of the state is not
    in capture mode.
    """
    index = torch.cuda.current_device() if device.index is None else device.index
    generator = torch.cuda.default_generators[index]
    generator.graphsafe_set_state(generator.clone_state())


class _GraphedStep:
    """Training step on a full batch: eager during the warm-up, then replayed as a graph."""

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
        """Copy the image order and the learning rate of each batch to the GPU."""
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
            # Ray Tune trains in a thread. The default mode fails if another thread uses CUDA.
            with torch.cuda.graph(graph, capture_error_mode="thread_local"):
                self._train()
        except RuntimeError as error:
            _end_capture_of_random_numbers(self._step.compute.device)
            if is_out_of_memory(error):
                raise
            self.capturable = False
            reason = str(error).strip().splitlines()[0]
            warnings.warn(f"training without a CUDA graph: {reason}", stacklevel=2)
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
