"""The training core on a GPU."""

import warnings
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from tune_mnist.models import model_names
from tune_mnist.training import OPTIMIZERS, Compute, TrainConfig, Trainer, resolve_compute
from tune_mnist.training.epochs import EagerEpochs, TrainingStep
from tune_mnist.training.graphed_epochs import GraphedEpochs

pytestmark = pytest.mark.gpu
CPU = Compute(torch.device("cpu"), bf16=False)


def gpu(precision="fp32", graphs=True):
    bf16 = precision == "bf16"
    return Compute(torch.device("cuda"), bf16=bf16, cuda_graphs=graphs)


def config(model="lenet", **changes):
    fast = {"lr": 0.005 if model == "lenet" else 1e-4, "batch_size": 32, "image_size": 64}
    return TrainConfig.checked(**({"model": model} | fast | changes))


def weights(trainer):
    return torch.cat([p.detach().float().flatten().cpu() for p in trainer.model.parameters()])


def distance(one, other):
    return ((weights(one) - weights(other)).norm() / weights(other).norm()).item()


def trained(configuration, data, compute, epochs):
    trainer = Trainer(configuration, data, compute)
    for _ in range(epochs):
        trainer.run_epoch()
    return trainer


def test_auto_uses_the_gpu_and_cuda_graphs():
    compute = resolve_compute()
    assert (compute.device.type, compute.cuda_graphs) == ("cuda", True)


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize("model", model_names())
def test_the_loss_falls_and_a_checkpoint_resumes(digits_split, tmp_path, model, precision):
    configuration = config(model, max_epochs=4)
    whole = Trainer(configuration, digits_split, gpu(precision))
    first = whole.run_epoch()
    whole.save(tmp_path / "checkpoint")
    last = whole.run_epoch()
    assert last.train_loss < first.train_loss
    resumed = Trainer(configuration, digits_split, gpu(precision))
    resumed.load(tmp_path / "checkpoint")
    resumed.run_epoch()
    # Some kernels of cuDNN add in a varying order.
    assert distance(resumed, whole) < 2e-2
    assert resumed.metrics.train_loss == pytest.approx(last.train_loss, rel=0.05, abs=0.02)


@pytest.mark.parametrize("momentum", [0.0, 0.9])
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_training_with_a_cuda_graph_equals_eager_training(digits_split, optimizer, momentum):
    rate = {"sgd": 0.1, "rmsprop": 0.001}.get(optimizer, 0.003)
    configuration = config(
        optimizer=optimizer, momentum=momentum, lr=rate, weight_decay=1e-4, lr_schedule="cosine"
    )
    graphed, eager = (
        trained(configuration, digits_split, gpu(graphs=graphs), 2) for graphs in (True, False)
    )
    assert distance(graphed, eager) < 1e-3
    assert graphed.metrics.train_loss == pytest.approx(eager.metrics.train_loss, rel=1e-3)
    assert graphed.metrics.val_accuracy == pytest.approx(eager.metrics.val_accuracy, abs=0.01)


def test_dropout_in_a_cuda_graph_differs_between_steps_and_is_reproducible(digits_split):
    none, one, again = (
        trained(config(optimizer="sgd", lr=0.1, dropout=dropout), digits_split, gpu(), 2)
        for dropout in (0.0, 0.5, 0.5)
    )
    assert distance(one, again) < 1e-3
    assert distance(one, none) > 20 * max(distance(one, again), 1e-4)


@pytest.mark.parametrize("batch_size", [2048, 600, 500])
def test_epochs_with_few_large_batches_are_trained(digits_split, batch_size):
    graphed, eager = (
        trained(config(batch_size=batch_size), digits_split, gpu(graphs=graphs), 5)
        for graphs in (True, False)
    )
    assert distance(graphed, eager) < 1e-3


def test_a_checkpoint_can_be_loaded_on_another_device(digits_split, tmp_path):
    for optimizer in OPTIMIZERS:
        configuration = config(optimizer=optimizer, lr=0.001)
        for source, target in ((CPU, gpu()), (gpu(), CPU), (gpu(), gpu(graphs=False))):
            trainer = trained(configuration, digits_split, source, 1)
            trainer.save(tmp_path / "checkpoint")
            moved = Trainer(configuration, digits_split, target)
            moved.load(tmp_path / "checkpoint")
            assert distance(moved, trainer) < 1e-6
            trainer.run_epoch()
            moved.run_epoch()
            assert distance(moved, trainer) < 5e-3


def test_the_gpu_holds_the_images_once(digits_split):
    # As many pixels as in MNIST, so that other allocations are small in comparison.
    images = np.resize(digits_split.images, (48_000, *digits_split.images.shape[1:]))
    labels = np.resize(digits_split.labels, len(images))
    torch.cuda.empty_cache()
    before = torch.cuda.memory_allocated()
    trainer = Trainer(config(), replace(digits_split, images=images, labels=labels), gpu())
    held = torch.cuda.memory_allocated() - before
    assert images.nbytes <= held < 1.5 * images.nbytes
    assert trainer.epoch == 0


class ReadsAValue(nn.Module):
    """Network that cannot be captured, since its forward pass synchronizes with the GPU."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(32 * 32, 10)

    def forward(self, images):
        scale = images.max().item()
        return self.layer(nn.functional.dropout(images.flatten(1), 0.1)) * scale


def test_a_network_that_cannot_be_captured_is_trained_eagerly(digits_split):
    losses = []
    for kind in (GraphedEpochs, EagerEpochs):
        batches = Trainer(config(), digits_split, gpu()).train_batches  # in the same order
        torch.manual_seed(0)
        model = ReadsAValue().cuda()
        optimizer = torch.optim.Adam(model.parameters(), fused=True, capturable=True)
        epochs = kind(TrainingStep(model, optimizer, gpu()))
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            torch.manual_seed(0)
            rates = [1e-3] * len(batches)
            losses.append([epochs.run(batches, rates, None)[0] for _ in range(3)])
        assert bool(caught) == (kind is GraphedEpochs)
    assert losses[0] == pytest.approx(losses[1], rel=1e-3)
