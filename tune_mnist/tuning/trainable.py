"""The trainable function: one trial, from a configuration to metrics and checkpoints."""

import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from ray import tune

from tune_mnist.data import DataSplit
from tune_mnist.models import count_parameters
from tune_mnist.training import Compute, TrainConfig, Trainer, resolve_compute


@dataclass(frozen=True)
class TrialSettings:
    """What all trials of a search have in common.

    Attributes:
        image_size: side of the input in pixels.
        max_epochs: epochs of a trial that is never stopped.
        seed: of the weights and batches.
        threads: of PyTorch in one trial.
        device: cpu or cuda.
        precision: auto, fp32 or bf16.
    """

    image_size: int
    max_epochs: int
    seed: int
    threads: int
    device: str
    precision: str

    def train_config(self, config: dict[str, Any]) -> TrainConfig:
        """Return the whole configuration of a trial with these hyperparameters."""
        return TrainConfig.checked(
            **config, image_size=self.image_size, max_epochs=self.max_epochs, seed=self.seed
        )

    def compute(self) -> Compute:
        """Claim the threads and return the device and number format, on the worker."""
        torch.set_num_threads(self.threads)
        return resolve_compute(self.device, self.precision)


def train_trial(config: dict[str, Any], data: DataSplit, settings: TrialSettings) -> None:
    """Train one configuration, reporting metrics and a checkpoint each epoch.

    Goes on from the trial's checkpoint if it has one.

    Args:
        config: the trial's hyperparameters.
        data: images, labels and indices, mapped from the node's object store, not copied.
        settings: what all trials have in common.

    Raises:
        DivergedError: the loss became NaN or infinite.
    """
    trainer = Trainer(settings.train_config(config), data, settings.compute())
    parameters = count_parameters(trainer.model)
    checkpoint = tune.get_checkpoint()
    if checkpoint is not None:
        with checkpoint.as_directory() as directory:
            trainer.load(Path(directory))
    while trainer.epoch < settings.max_epochs:
        metrics = asdict(trainer.run_epoch()) | {"parameters": parameters}
        with tempfile.TemporaryDirectory() as parent:
            directory = Path(parent) / "checkpoint"
            trainer.save(directory)
            tune.report(metrics, checkpoint=tune.Checkpoint.from_directory(directory))
