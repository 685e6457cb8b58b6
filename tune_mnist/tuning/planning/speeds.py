"""Measurement of how fast a worker trains each architecture."""

import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from threading import Event
from typing import Any

import ray
import torch
from ray.exceptions import RayError

from tune_mnist.data import DataSplit
from tune_mnist.errors import last_line
from tune_mnist.models import get_architecture
from tune_mnist.models.keywords import join_keys
from tune_mnist.training import Compute, EpochMetrics, TrainConfig, Trainer, resolve_compute
from tune_mnist.tuning.trials.trainable import TrialSettings

PROBE_IMAGES = 64
"""Largest batch of a measurement.

With smaller batches than those of most trials, networks with many weights appear too slow: on one
core, VGG-11 at 32x32 trains 27 images/s in batches of 32, and 54 in batches of 64.
"""

PROBE_SECONDS = 1.0
FULL_PIXELS = 224 * 224
GPU_PROBE = 32
"""Number of images in a batch of 224x224 pixels that measures the speed of a GPU."""


@dataclass(frozen=True)
class Speed:
    """Speed of one worker for one architecture.

    Attributes:
        train: Training images per second.
        validate: Validation images per second.
    """

    train: float
    validate: float


Speeds = dict[str, Speed]
"""Speed of a worker, keyed by architecture."""

Networks = Mapping[str, Mapping[str, Any]]
"""Constructor keywords of a network, keyed by architecture."""


class NotMeasuredError(Exception):
    """Raised if the speed of a worker cannot be measured."""


def measure_on_workers(
    models: Networks, data: Any, settings: TrialSettings, cpus: float, gpus: float
) -> Speeds:
    """Measure the speed of each architecture in Ray tasks.

    Args:
        models: Constructor keywords of the network to measure, keyed by architecture.
        data: Reference to the data split in Ray's object store.
        settings: Settings shared by all trials.
        cpus: CPU cores per trial.
        gpus: GPUs per trial.

    Raises:
        NotMeasuredError: A task failed.
    """
    probe = ray.remote(num_cpus=cpus, num_gpus=gpus, max_retries=0)(_measure_as_worker)
    try:
        speeds = ray.get(
            [probe.remote(model, options, data, settings) for model, options in models.items()]
        )
    except RayError as error:
        raise NotMeasuredError(last_line(error)) from None
    return dict(zip(models, speeds, strict=True))


@contextmanager
def measuring_here(
    models: Networks, data: DataSplit, image_size: int, threads: int, precision: str
) -> Iterator[Callable[[], Speeds]]:
    """Context manager that measures each architecture's speed on the CPU in a background thread.

    The measurement changes the number of threads and the random state of PyTorch in the whole
    process. Leaving the context cancels a measurement that has not ended.

    Args:
        models: Constructor keywords of the network to measure, keyed by architecture.
        data: Data split. One batch of it is used.
        image_size: Side length of the images in pixels.
        threads: Number of PyTorch threads per trial.
        precision: Number format of the computation: auto, fp32 or bf16.

    Yields:
        Function that waits for the measurement and returns the speeds. It raises NotMeasuredError
        if the measurement failed.
    """
    cancelled = Event()

    def measure() -> Speeds:
        torch.set_num_threads(threads)
        compute = resolve_compute("cpu", precision)
        return {
            model: _measure(_config(model, options, image_size, compute), data, compute, cancelled)
            for model, options in models.items()
        }

    def result(measuring: Future[Speeds]) -> Speeds:
        try:
            return measuring.result()
        except Exception as error:  # the trials fail with the same error and report it
            raise NotMeasuredError(last_line(error)) from None

    with ThreadPoolExecutor(max_workers=1) as background:
        try:
            yield partial(result, background.submit(measure))
        finally:
            cancelled.set()


def _measure_as_worker(
    model: str, options: Mapping[str, Any], data: DataSplit, settings: TrialSettings
) -> Speed:
    compute = settings.compute()
    config = _config(model, options, settings.image_size, compute)
    return _measure(config, data, compute, Event())


def _measure(config: TrainConfig, data: DataSplit, compute: Compute, cancelled: Event) -> Speed:
    few = replace(data, train=data.train[: config.batch_size], val=data.val[: config.batch_size])
    trainer = Trainer(config, few, compute)

    def run_epoch() -> EpochMetrics:
        if cancelled.is_set():
            raise NotMeasuredError("the measurement was cancelled")
        return trainer.run_epoch()

    run_epoch()  # warm-up: the first epoch also allocates memory and loads kernels
    train: list[float] = []
    validate: list[float] = []
    start = time.perf_counter()
    while not train or time.perf_counter() - start < PROBE_SECONDS:
        metrics = run_epoch()
        train.append(len(few.train) / metrics.images_per_second)
        validate.append(metrics.epoch_seconds - train[-1])
    return Speed(
        train=len(few.train) / statistics.median(train),
        validate=len(few.val) / statistics.median(validate),
    )


def _config(
    model: str, options: Mapping[str, Any], image_size: int, compute: Compute
) -> TrainConfig:
    count = probe_images(model, image_size, compute.device.type)
    return TrainConfig.checked(
        model=model, lr=1e-4, batch_size=count, image_size=image_size, **join_keys(options)
    )


def probe_images(model: str, image_size: int, device: str) -> int:
    """Return a batch size for a speed measurement that needs little time and memory.

    Args:
        model: Name of the architecture.
        image_size: Side length of the images in pixels.
        device: Type of the device: cpu or cuda.
    """
    count = get_architecture(model).cpu_probe if device == "cpu" else GPU_PROBE
    return max(2, min(PROBE_IMAGES, count * FULL_PIXELS // image_size**2))
