"""The trainable function: one trial, from a configuration to metrics and checkpoints."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

import torch
from ray import tune

from tune_mnist.data import DataForm, DataSplit
from tune_mnist.data.form import DATA, MNIST
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
    """What all trials of a search have in common.

    Attributes:
        image_size: side of the input in pixels.
        max_epochs: epochs of a trial that is never stopped.
        seed: of the weights and batches.
        threads: of PyTorch in one trial.
        device: cpu or cuda.
        precision: auto, fp32 or bf16.
        init: How weights are drawn: derived or torch.
        store: where trials and final runs keep their checkpoints.
        fidelity: the stages of a trial; None: all its epochs are alike.
        networks: Networks of the user's own that the space names, as ``pack_networks`` returns
            them.
        data: Form of the images.
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
        """Return the whole configuration of a trial with these hyperparameters."""
        hyperparameters = {key: value for key, value in config.items() if key != NUMBER}
        return TrainConfig.checked(
            **hyperparameters,
            init=self.init,
            image_size=self.image_size,
            max_epochs=self.max_epochs,
            seed=self.seed,
        )

    def noted(self, config: TrainConfig) -> dict[str, Any]:
        """Return what is kept beside the weights of a network that was trained so."""
        return {**config.flat(), DATA: self.data.model_dump(mode="json")}

    def compute(self) -> Compute:
        """Prepare the worker: networks and threads; return the device and number format."""
        unpack_networks(self.networks)
        torch.set_num_threads(self.threads)
        compute = resolve_compute(self.device, self.precision)
        if compute.device.type == "cuda":
            # The worker's last run has left memory in PyTorch's cache that neighbours may need.
            torch.cuda.empty_cache()
        return compute

    def checkpoints_of(self, number: int) -> Checkpoints:
        """Return where the trial of that number keeps its checkpoints."""
        return self.store.of(trial_name(number))

    def drop_checkpoints(self, numbers: Iterable[int]) -> None:
        """Remove the checkpoints of trials that will not go on; most have none any more."""
        there = set(self.store.names())
        for number in numbers:
            if trial_name(number) in there:
                self.checkpoints_of(number).remove()


def trial_name(number: int) -> str:
    """Return what the checkpoints of a trial are called."""
    return f"{number:05d}"


def train_trial(config: dict[str, Any], data: DataSplit, settings: TrialSettings) -> None:
    """Train one configuration, reporting its metrics each epoch.

    Goes on from the trial's checkpoint if it has one, whether the trial was paused, its worker
    died, or the whole search was killed. A trial that diverges or needs more memory than there is
    ends with a report that says so, and is not tried again.

    Args:
        config: the trial's number and hyperparameters.
        data: images, labels and indices, mapped from the node's object store, not copied.
        settings: what all trials have in common.
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
        facts[WARNING] = f"goes on from epoch {trainer.epoch}: {'; '.join(complaints)}"
    if trainer.metrics is not None:
        # The checkpoint is written before its epoch is reported, so the driver may have died
        # without having heard of it. Whoever has, ignores the repetition.
        tune.report(_report(trainer.metrics, config["model"], settings.fidelity) | facts)
        facts.pop(WARNING, None)
    while trainer.epoch < settings.max_epochs:
        _say(config, f"epoch {trainer.epoch + 1}/{settings.max_epochs} begins")
        metrics = trainer.run_epoch()
        _say(config, f"epoch {metrics.epoch}/{settings.max_epochs} {_in_words(metrics)}")
        checkpoints.save(trainer)
        tune.report(_report(metrics, config["model"], settings.fidelity) | facts)
        facts.pop(WARNING, None)


def _report(metrics: EpochMetrics, model: str, fidelity: Fidelity | None) -> dict[str, Any]:
    return asdict(metrics) | report_of(fidelity, metrics.epoch, model)


def _say(config: dict[str, Any], text: str) -> None:
    """Print a line into the worker's log, which has those of other trials, too."""
    print(f"{label(config)}: {text}", flush=True)


def _in_words(metrics: EpochMetrics) -> str:
    return (
        f"val_accuracy {metrics.val_accuracy:.4f} val_loss {metrics.val_loss:.4f}"
        f" train_loss {metrics.train_loss:.4f} {metrics.images_per_second:.0f} images/s"
    )
