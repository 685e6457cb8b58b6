"""Training of one configuration epoch by epoch, with checkpoints."""

import math
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict
from functools import partial
from pathlib import Path

import torch
from torch.nn.functional import cross_entropy

from tune_mnist.data import Batches, DataSplit, to_tensor
from tune_mnist.models import create_model
from tune_mnist.training.archive import CheckpointError
from tune_mnist.training.augmentation import Augmentation
from tune_mnist.training.batching import create_batches
from tune_mnist.training.checkpoint import MODEL_FILE, STATE_FILE, save_checkpoint
from tune_mnist.training.config import TrainConfig
from tune_mnist.training.epochs import EagerEpochs, TrainingStep
from tune_mnist.training.evaluation import mean_loss_and_accuracy
from tune_mnist.training.fidelity import Fidelity
from tune_mnist.training.graphed_epochs import GraphedEpochs
from tune_mnist.training.metrics import EpochMetrics
from tune_mnist.training.optimizers import create_optimizer
from tune_mnist.training.precision import Compute
from tune_mnist.training.saved_state import Slots, checked_slots, load_state
from tune_mnist.training.schedules import learning_rate
from tune_mnist.training.weight_average import WeightAverage
from tune_mnist.training.weights import check_weights, count_bytes, load_weights


class DivergedError(Exception):
    """Raised if the training or validation loss becomes NaN or infinite."""


class Trainer:
    """Trains one configuration. Each call of ``run_epoch`` trains one epoch.

    Args:
        config: Hyperparameters of the run.
        data: Images and labels, with the indices of the training split and of the validation
            split, which may be empty.
        compute: Device and number format to train with.
        fidelity: Fidelity stages of the run. If None, every epoch uses the whole training split at
            the image size of the configuration.

    Attributes:
        config: Hyperparameters of the run.
        compute: Device and number format to train with.
        metrics: Metrics of the last epoch, or None before the end of the first epoch.
        model: Network to evaluate and save: the trained network, or the average of its weights.
        train_batches: Training batches of the current stage.
        val_batches: Validation batches of the current stage.
    """

    def __init__(
        self,
        config: TrainConfig,
        data: DataSplit,
        compute: Compute,
        fidelity: Fidelity | None = None,
    ) -> None:
        self.config = config
        self.compute = compute
        self._data = data
        # One copy on the device for training, validation and all stages.
        self._images = to_tensor(data.images).to(compute.device)
        self._labels = to_tensor(data.labels).to(compute.device)
        self._fidelity = fidelity
        self.metrics: EpochMetrics | None = None
        torch.manual_seed(config.seed)
        self._shuffle = torch.Generator().manual_seed(config.seed)
        model = create_model(
            config.model,
            data.num_classes,
            config.dropout,
            config.image_size,
            config.init,
            in_channels=data.channels,
            options=config.model_options,
        )
        self._network = model.to(compute.device).to(memory_format=compute.memory_format)
        self._average = WeightAverage(self._network, config.ema) if config.ema else None
        self.model = self._average.model if self._average else self._network
        self._optimizer = create_optimizer(
            config.optimizer,
            self._network.parameters(),
            lr=config.lr,
            momentum=config.momentum,
            weight_decay=config.weight_decay,
            capturable=compute.cuda_graphs,
        )
        self._epochs = self._create_epochs()
        self._stage = fidelity.at(1) if fidelity else None
        self.train_batches, self.val_batches = self._create_batches()

    @property
    def epoch(self) -> int:
        """Number of epochs trained so far."""
        return self.metrics.epoch if self.metrics else 0

    def run_epoch(self, on_batch: Callable[[int], None] | None = None) -> EpochMetrics:
        """Train one epoch, then validate if there is a validation split.

        Args:
            on_batch: Function that is called after each training batch with the number of its
                images.

        Raises:
            DivergedError: The training or validation loss is NaN or infinite.
        """
        start = time.perf_counter()
        self._enter_stage()
        self._network.train()
        train_loss, train_accuracy = self._epochs.run(
            self.train_batches, self._learning_rates(), on_batch
        )
        trained = time.perf_counter()
        self._check_finite("train_loss", train_loss)
        val_loss, val_accuracy = self._validate()
        seconds = time.perf_counter() - start
        self.metrics = EpochMetrics(
            epoch=self.epoch + 1,
            train_loss=train_loss,
            train_accuracy=train_accuracy,
            val_loss=val_loss,
            val_accuracy=val_accuracy,
            epoch_seconds=seconds,
            train_seconds=seconds + (self.metrics.train_seconds if self.metrics else 0.0),
            images_per_second=self.train_batches.num_images / (trained - start),
        )
        return self.metrics

    def save(self, directory: Path) -> None:
        """Write a checkpoint of the model, optimizer, metrics and random state.

        Args:
            directory: Folder to write the checkpoint to. An existing checkpoint is replaced.
        """
        state = {
            "metrics": asdict(self.metrics) if self.metrics else None,
            "optimizer": self._optimizer.state_dict(),
            "shuffle_rng": self._shuffle.get_state(),
            "torch_rng": torch.get_rng_state(),
            "cuda_rng": torch.cuda.get_rng_state() if self._on_gpu else None,
            "trained": self._network.state_dict() if self._average else None,
            "averaged": self._average.steps.item() if self._average else 0.0,
        }
        save_checkpoint(directory, self.model.state_dict(), state)

    def load(self, directory: Path) -> None:
        """Restore a checkpoint written by ``save``.

        The architecture and the optimizer must be the same as in the checkpoint. All other
        hyperparameters are taken from this trainer's configuration.

        Args:
            directory: Folder of the checkpoint to restore.

        Raises:
            CheckpointError: The checkpoint is damaged, or belongs to another architecture or
                optimizer. The trainer must not be used afterwards.
        """
        path = directory / STATE_FILE
        state = load_state(path, count_bytes(self.model))
        slots = checked_slots(path, state, self._optimizer, self.config.optimizer)
        weights = load_weights(directory / MODEL_FILE, self.model)
        if state.trained is not None:
            check_weights(path, state.trained, self._network)
        try:
            self._shuffle.set_state(state.shuffle_rng)
            torch.set_rng_state(state.torch_rng)
            if self._on_gpu and state.cuda_rng is not None:
                torch.cuda.set_rng_state(state.cuda_rng)
        except (TypeError, ValueError, RuntimeError):
            raise CheckpointError(
                f"{path}: the file is damaged: its random state is invalid"
            ) from None
        self.model.load_state_dict(weights)
        if self._average is not None:
            self._network.load_state_dict(weights if state.trained is None else state.trained)
            self._average.steps.fill_(state.averaged)
        self._load_optimizer(slots)
        self.metrics = state.metrics

    def _enter_stage(self) -> None:
        """Create new batches if the next epoch begins a new stage."""
        stage = self._fidelity.at(self.epoch + 1) if self._fidelity else None
        if stage != self._stage:
            self._stage = stage
            self.train_batches, self.val_batches = self._create_batches()

    def _create_batches(self) -> tuple[Batches, Batches]:
        config, data = self.config, self._data
        train = data.train
        if self._fidelity and self._stage:
            config = config.model_copy(update={"image_size": self._stage.image_size})
            train = train[: round(self._fidelity.share(self._stage) * len(train))]
        images, labels, compute = self._images, self._labels, self.compute
        return (
            create_batches(config, images, labels, train, compute, shuffle=self._shuffle),
            create_batches(config, images, labels, data.val, compute),
        )

    def _create_epochs(self) -> EagerEpochs | GraphedEpochs:
        config = self.config
        step = TrainingStep(
            self._network,
            self._optimizer,
            self.compute,
            loss=partial(cross_entropy, label_smoothing=config.label_smoothing),
            augment=Augmentation(config.augment, config.augment_strength, config.augment_flip),
            clip_norm=config.clip_norm,
            average=self._average,
        )
        return GraphedEpochs(step) if self.compute.cuda_graphs else EagerEpochs(step)

    def _learning_rates(self) -> list[float]:
        """Return the learning rate of each batch of the next epoch."""
        config, count = self.config, len(self.train_batches)
        return [
            learning_rate(
                config.lr_schedule, config.lr, (self.epoch + batch / count) / config.max_epochs
            )
            for batch in range(count)
        ]

    def _load_optimizer(self, slots: Slots) -> None:
        """Load the state of an optimizer, but keep this trainer's hyperparameters and device."""
        own = self._optimizer.state_dict()["param_groups"]
        self._optimizer.load_state_dict({"state": slots, "param_groups": own})
        # A captured CUDA graph refers to the tensors that were just replaced.
        self._epochs = self._create_epochs()

    def _check_finite(self, name: str, loss: float) -> None:
        if not math.isfinite(loss):
            raise DivergedError(
                f"diverged: {name} is {loss} in epoch {self.epoch + 1} (lr {self.config.lr:.3g})"
            )

    def _validate(self) -> tuple[float, float]:
        if not self.val_batches.num_images:
            return math.nan, math.nan
        loss, accuracy = mean_loss_and_accuracy(self.model, self.val_batches, self.compute)
        self._check_finite("val_loss", loss)
        return loss, accuracy

    @property
    def _on_gpu(self) -> bool:
        return self.compute.device.type == "cuda"


def restore_newest(
    build: Callable[[], Trainer], newest_first: Iterable[Path]
) -> tuple[Trainer, list[str]]:
    """Create a trainer and restore it from the newest usable checkpoint.

    Args:
        build: Function that creates a new trainer.
        newest_first: Folders of the checkpoints of the run, read lazily from the newest to the
            oldest until one is usable.

    Returns:
        Trainer, which is untrained if no checkpoint is usable, and one error message for each
        unusable checkpoint.
    """
    complaints: list[str] = []
    for directory in newest_first:
        trainer = build()
        try:
            trainer.load(directory)
        except CheckpointError as error:
            complaints.append(str(error))
        else:
            return trainer, complaints
    return build(), complaints
