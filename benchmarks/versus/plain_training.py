"""Training loop of the other contestants, as in the guides of PyTorch and Ray Tune.

Trains in fp32 with one thread. Network, initial weights, optimizers, learning rate schedules,
split and prepared images are those of the project, so that a configuration has the same accuracy
for each contestant.
"""

from collections.abc import Iterator
from typing import Any

import torch
from torch.nn.functional import cross_entropy

from benchmarks.versus.training_data import MODEL, TrialData
from tune_mnist.models import create_model
from tune_mnist.training.optimizers import create_optimizer
from tune_mnist.training.schedules import learning_rate


class PlainTraining:
    """Training of one trial.

    Args:
        config: Hyperparameters lr, lr_schedule, batch_size, dropout and optimizer.
        data: Batches of the trial.
        max_epochs: Number of epochs.
        seed: Random seed of weights and batches.
        device: Device, cpu or cuda.

    Attributes:
        model: Network.
        optimizer: Optimizer of the network.
    """

    def __init__(
        self,
        config: dict[str, Any],
        data: TrialData,
        max_epochs: int,
        seed: int,
        device: str = "cpu",
    ) -> None:
        torch.set_num_threads(1)
        torch.manual_seed(seed)
        self.model = create_model(MODEL, data.num_classes, config["dropout"]).to(device)
        self.optimizer = create_optimizer(
            config["optimizer"],
            self.model.parameters(),
            lr=config["lr"],
            momentum=0.0,
            weight_decay=0.0,
        )
        self._config = config
        self._data = data
        self._max_epochs = max_epochs
        self._device = device

    def epochs(self) -> Iterator[tuple[int, float]]:
        """Train, and yield the number of each epoch, from 1, with its validation accuracy."""
        for epoch in range(1, self._max_epochs + 1):
            self._train_epoch(epoch - 1)
            yield epoch, self._accuracy()

    def _train_epoch(self, done: int) -> None:
        self.model.train()
        for batch, (images, labels) in enumerate(self._data.train):
            self._set_learning_rate((done + batch / len(self._data.train)) / self._max_epochs)
            self.optimizer.zero_grad()
            logits = self.model(images.to(self._device))
            cross_entropy(logits, labels.to(self._device)).backward()  # type: ignore[no-untyped-call]
            self.optimizer.step()

    def _set_learning_rate(self, progress: float) -> None:
        rate = learning_rate(self._config["lr_schedule"], self._config["lr"], progress)
        for group in self.optimizer.param_groups:
            group["lr"] = rate

    def _accuracy(self) -> float:
        self.model.eval()
        correct, seen = 0, 0
        with torch.no_grad():
            for images, labels in self._data.val:
                logits = self.model(images.to(self._device))
                correct += int((logits.argmax(1) == labels.to(self._device)).sum())
                seen += len(labels)
        return correct / seen
