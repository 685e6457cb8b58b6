"""How fast a worker trains each architecture, measured for a second or so."""

import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import ray

from tune_mnist.data import DataSplit
from tune_mnist.models.cost import count_flops
from tune_mnist.training import Trainer
from tune_mnist.tuning.trials.trainable import TrialSettings

PROBE_IMAGES = 32
PROBE_PIXELS = PROBE_IMAGES * 224 * 224
PROBE_FLOPS = 4e11
"""Of training, in one epoch: a second or two of a core. VGG at 224x224 comes to four images."""
PROBE_SECONDS = 1.0


@dataclass(frozen=True)
class Speed:
    """How fast a worker is with one architecture.

    Attributes:
        train: images a second while training.
        validate: images a second while validating.
    """

    train: float
    validate: float


def measure_on_workers(
    models: tuple[str, ...], data: Any, settings: TrialSettings, cpus: float, gpus: float
) -> dict[str, Speed]:
    """Train each architecture on the workers.

    Args:
        models: the architectures' names.
        data: reference to the split in the object store.
        settings: what all trials have in common.
        cpus: CPU cores of a trial.
        gpus: GPUs of a trial.

    Raises:
        RayError: a worker could not do it.
    """
    probe = ray.remote(num_cpus=cpus, num_gpus=gpus, max_retries=0)(_measure)
    speeds = ray.get([probe.remote(model, data, settings) for model in models])
    return dict(zip(models, speeds, strict=True))


def measure_here(
    models: Sequence[str], data: DataSplit, settings: TrialSettings
) -> dict[str, Speed]:
    """Train each architecture in this process, which has the cores that a worker will have.

    Args:
        models: the architectures' names.
        data: the split.
        settings: what all trials have in common.

    Raises:
        RuntimeError, MemoryError: it takes more memory than there is.
    """
    return {model: _measure(model, data, settings) for model in models}


def _measure(model: str, data: DataSplit, settings: TrialSettings) -> Speed:
    count = probe_images(model, settings.image_size)
    few = replace(data, train=data.train[:count], val=data.val[:count])
    config = settings.train_config({"model": model, "lr": 1e-4, "batch_size": count})
    trainer = Trainer(config, few, settings.compute())
    trainer.run_epoch()  # the first epoch pays for memory and code, and is not counted
    train: list[float] = []
    validate: list[float] = []
    start = time.perf_counter()
    while not train or time.perf_counter() - start < PROBE_SECONDS:
        metrics = trainer.run_epoch()
        train.append(len(few.train) / metrics.images_per_second)
        validate.append(metrics.epoch_seconds - train[-1])
    return Speed(
        train=len(few.train) / statistics.median(train),
        validate=len(few.val) / statistics.median(validate),
    )


def probe_images(model: str, image_size: int) -> int:
    """Return how many images to measure by: as many as take neither long nor much memory."""
    training_flops = 3 * count_flops(model, image_size)
    most = min(PROBE_PIXELS // image_size**2, int(PROBE_FLOPS / training_flops))
    return max(2, min(PROBE_IMAGES, most))
