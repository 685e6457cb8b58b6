"""Trainable function for Ray Tune, which trains one trial on a worker."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

import torch
from ray import tune

from tune_mnist.data import DataForm, DataSplit
from tune_mnist.data.form import FORM_KEY, MNIST
from tune_mnist.files import means_no_room
from tune_mnist.models import DERIVED, count_parameters
from tune_mnist.training import (
    Compute,
    DivergedError,
    EpochMetrics,
    Fidelity,
    TrainConfig,
    Trainer,
    describe_out_of_memory,
    is_out_of_memory,
    resolve_compute,
)
from tune_mnist.tuning.spaces.stages import report_of
from tune_mnist.tuning.storage.bucket import StorageError
from tune_mnist.tuning.storage.checkpoint_store import Checkpoints, CheckpointStore
from tune_mnist.tuning.trials.labels import label
from tune_mnist.tuning.trials.networks import unpack_networks
from tune_mnist.tuning.trials.reports import DISK_FULL, NUMBER, STORAGE_LOST, WARNING, ended_early


@dataclass(frozen=True)
class TrialSettings:
    """Settings shared by all trials of a search.

    Attributes:
        image_size: Side length of the input images in pixels.
        max_epochs: Maximum epochs per trial, at least 1.
        seed: Random seed for the initial weights and the batches.
        threads: Number of PyTorch threads per trial.
        device: Type of the device to train on: ``cpu`` or ``cuda``.
        precision: Number format of the computation: ``auto``, ``fp32`` or ``bf16``.
        store: Store for the checkpoints of trials and final runs.
        init: Initialization of the weights: ``derived`` or ``torch``.
        fidelity: Stages of each trial, or None if all epochs use the same images.
        networks: User-defined networks, as returned by ``pack_networks``.
        data: Name, size, channels and classes of the data set.
    """

    image_size: int
    max_epochs: int
    seed: int
    threads: int
    device: str
    precision: str
    store: CheckpointStore
    init: str = DERIVED
    fidelity: Fidelity | None = None
    networks: bytes = b""
    data: DataForm = MNIST

    def train_config(self, config: dict[str, Any]) -> TrainConfig:
        """Return the training configuration of a trial, completed by the shared settings.

        Args:
            config: Hyperparameters of the trial, keyed by name. The trial number is ignored.
        """
        hyperparameters = {key: value for key, value in config.items() if key != NUMBER}
        return TrainConfig.checked(
            **hyperparameters,
            init=self.init,
            image_size=self.image_size,
            max_epochs=self.max_epochs,
            seed=self.seed,
        )

    def noted(self, config: TrainConfig) -> dict[str, Any]:
        """Return the content of the file ``config.json`` that is stored beside trained weights."""
        return {**config.flat(), FORM_KEY: self.data.model_dump(mode="json")}

    def compute(self) -> Compute:
        """Prepare the worker process for training, and return device and number format.

        The user-defined networks are registered, and PyTorch's number of threads is set.
        """
        unpack_networks(self.networks)
        torch.set_num_threads(self.threads)
        compute = resolve_compute(self.device, self.precision)
        if compute.device.type == "cuda":
            # Other workers may need the memory that the previous trial has left in the cache.
            torch.cuda.empty_cache()
        return compute

    def checkpoints_of(self, number: int) -> Checkpoints:
        """Return the checkpoints of a trial, given its number."""
        return self.store.of(trial_name(number))

    def drop_checkpoints(self, numbers: Iterable[int]) -> None:
        """Remove the checkpoints of ended trials, given their numbers."""
        there = set(self.store.names())
        for number in numbers:
            if trial_name(number) in there:
                self.checkpoints_of(number).remove()


def trial_name(number: int) -> str:
    """Return the name under which the checkpoints of a trial are stored, given its number."""
    return f"{number:05d}"


def train_trial(config: dict[str, Any], data: DataSplit, settings: TrialSettings) -> None:
    """Train one configuration, and report the metrics to Ray Tune after each epoch.

    If the trial has a checkpoint, training resumes from it. This is the case after a pause, the
    death of a worker, or an interruption of the whole search. A trial that diverges or runs out of
    memory reports the reason and is not retried.

    Args:
        config: Number and hyperparameters of the trial, keyed by name.
        data: Images, labels and indices, which the worker reads from the node's object store
            without a copy.
        settings: Settings shared by all trials.
    """
    try:
        _train(config, data, settings)
    except DivergedError as error:
        _say(config, str(error))
        tune.report(ended_early(str(error), diverged=True))
    except (MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
        size = settings.train_config(config).batch_size
        tune.report(ended_early(describe_out_of_memory(error, size)))
    except OSError as error:
        if not means_no_room(error):
            raise
        tune.report({DISK_FULL: f"{settings.store}: {error.strerror}"})
    except StorageError as error:
        tune.report({STORAGE_LOST: str(error)})


def _train(config: dict[str, Any], data: DataSplit, settings: TrialSettings) -> None:
    checkpoints = settings.checkpoints_of(config[NUMBER])
    compute = settings.compute()
    trainer, complaints = checkpoints.restore(
        lambda: Trainer(settings.train_config(config), data, compute, settings.fidelity)
    )
    facts: dict[str, Any] = {"parameters": count_parameters(trainer.model)}
    if complaints:
        facts[WARNING] = f"resumes from epoch {trainer.epoch}: {'; '.join(complaints)}"
    if trainer.metrics is not None:
        # A checkpoint is written before its epoch is reported, so the driver may have missed the
        # report. If it has not, it ignores the second report.
        tune.report(_report(trainer.metrics, config["model"], settings.fidelity) | facts)
        facts.pop(WARNING, None)
    while trainer.epoch < settings.max_epochs:
        _say(config, f"epoch {trainer.epoch + 1}/{settings.max_epochs} started")
        metrics = trainer.run_epoch()
        _say(config, f"epoch {metrics.epoch}/{settings.max_epochs} {_in_words(metrics)}")
        checkpoints.save(trainer)
        tune.report(_report(metrics, config["model"], settings.fidelity) | facts)
        facts.pop(WARNING, None)


def _report(metrics: EpochMetrics, model: str, fidelity: Fidelity | None) -> dict[str, Any]:
    return asdict(metrics) | report_of(fidelity, metrics.epoch, model)


def _say(config: dict[str, Any], text: str) -> None:
    """Print a line with the trial's label, because a worker's log contains several trials."""
    print(f"{label(config)}: {text}", flush=True)


def _in_words(metrics: EpochMetrics) -> str:
    return (
        f"val_accuracy {metrics.val_accuracy:.4f} val_loss {metrics.val_loss:.4f}"
        f" train_loss {metrics.train_loss:.4f} {metrics.images_per_second:.0f} images/s"
    )
