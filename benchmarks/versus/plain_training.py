"""Training loop of the other contestants, as in the guides of PyTorch and Ray Tune.

Uses a DataLoader over a Dataset that applies torchvision's transforms to each sample, in fp32 with
one thread. Network, initial weights, optimizers, split and prepared images are those of the
project, so that a configuration has the same accuracy for each contestant.
"""

from collections.abc import Iterator
from typing import Any

import torch
from torch.nn.functional import cross_entropy
from torch.utils.data import DataLoader

from benchmarks.sample_dataset import SampleDataset
from tune_mnist.data import load_dataset, split_dataset
from tune_mnist.models import create_model
from tune_mnist.training.optimizers import create_optimizer

MODEL = "lenet"
SIZE = 32
VAL_BATCH = 1024


class PlainTraining:
    """Training of one trial.

    Args:
        config: Hyperparameters lr, batch_size, dropout and optimizer.
        dataset: Name of the data set, which each trial loads.
        seed: Random seed of weights and batches.
        device: Device, cpu or cuda.

    Attributes:
        model: Network.
        optimizer: Optimizer of the network.
    """

    def __init__(
        self, config: dict[str, Any], dataset: str, seed: int, device: str = "cpu"
    ) -> None:
        torch.set_num_threads(1)
        torch.manual_seed(seed)
        data = split_dataset(load_dataset(dataset))
        self.model = create_model(MODEL, data.num_classes, config["dropout"]).to(device)
        self._device = device
        self.optimizer = create_optimizer(
            config["optimizer"],
            self.model.parameters(),
            lr=config["lr"],
            momentum=0.0,
            weight_decay=0.0,
        )
        self._train: DataLoader[tuple[torch.Tensor, int]] = DataLoader(
            SampleDataset(data, data.train, MODEL, SIZE),
            batch_size=config["batch_size"],
            shuffle=True,
        )
        self._val: DataLoader[tuple[torch.Tensor, int]] = DataLoader(
            SampleDataset(data, data.val, MODEL, SIZE), batch_size=VAL_BATCH
        )

    def epochs(self, count: int) -> Iterator[tuple[int, float]]:
        """Train, and yield the number of each epoch, from 1, with its validation accuracy."""
        for epoch in range(1, count + 1):
            self._train_epoch()
            yield epoch, self._accuracy()

    def _train_epoch(self) -> None:
        self.model.train()
        for images, labels in self._train:
            self.optimizer.zero_grad()
            logits = self.model(images.to(self._device))
            cross_entropy(logits, labels.to(self._device)).backward()  # type: ignore[no-untyped-call]
            self.optimizer.step()

    def _accuracy(self) -> float:
        self.model.eval()
        correct, seen = 0, 0
        with torch.no_grad():
            for images, labels in self._val:
                logits = self.model(images.to(self._device))
                correct += int((logits.argmax(1) == labels.to(self._device)).sum())
                seen += len(labels)
        return correct / seen
