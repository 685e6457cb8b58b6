"""How fast a worker trains each architecture, measured for a second or so."""

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

PROBE_IMAGES = 32
PROBE_SECONDS = 1.0
FULL_PIXELS = 224 * 224
GPU_PROBE = 32
"""Images of 224x224 that a GPU is measured by."""


@dataclass(frozen=True)
class Speed:
    """How fast a worker is with one architecture.

    Attributes:
        train: images a second while training.
        validate: images a second while validating.
    """

    train: float
    validate: float


Speeds = dict[str, Speed]
"""By architecture."""

Networks = Mapping[str, Mapping[str, Any]]
"""Values for keywords of constructors, by architecture."""


class NotMeasuredError(Exception):
    """No worker could be measured; says why."""


def measure_on_workers(
    models: Networks, data: Any, settings: TrialSettings, cpus: float, gpus: float
) -> Speeds:
    """Train each architecture on the workers.

    Args:
        models: Values for the keywords of each architecture, by its name.
        data: reference to the split in the object store.
        settings: what all trials have in common.
        cpus: CPU cores of a trial.
        gpus: GPUs of a trial.

    Raises:
        NotMeasuredError: a worker could not do it.
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
    """Train each architecture on the CPU, in a thread of this process, beside what it does else.

    PyTorch's number of threads and its random state are the whole process's, and are changed.

    Args:
        models: Values for the keywords of each architecture, by its name.
        data: the split.
        image_size: side of the input in pixels.
        threads: of PyTorch in one trial.
        precision: auto, fp32 or bf16.

    Yields:
        What waits for the speeds and returns them, or raises NotMeasuredError. At the end of the
        context whatever is still to be measured is given up.
    """
    given_up = Event()

    def measure() -> Speeds:
        torch.set_num_threads(threads)
        compute = resolve_compute("cpu", precision)
        return {
            model: _measure(_config(model, options, image_size, compute), data, compute, given_up)
            for model, options in models.items()
        }

    def result(measuring: Future[Speeds]) -> Speeds:
        try:
            return measuring.result()
        except Exception as error:  # whatever it is: trials tell of it, too
            raise NotMeasuredError(last_line(error)) from None

    with ThreadPoolExecutor(max_workers=1) as beside:
        try:
            yield partial(result, beside.submit(measure))
        finally:
            given_up.set()


def _measure_as_worker(
    model: str, options: Mapping[str, Any], data: DataSplit, settings: TrialSettings
) -> Speed:
    compute = settings.compute()
    config = _config(model, options, settings.image_size, compute)
    return _measure(config, data, compute, Event())


def _measure(config: TrainConfig, data: DataSplit, compute: Compute, given_up: Event) -> Speed:
    few = replace(data, train=data.train[: config.batch_size], val=data.val[: config.batch_size])
    trainer = Trainer(config, few, compute)

    def run_epoch() -> EpochMetrics:
        if given_up.is_set():
            raise NotMeasuredError("it was given up")
        return trainer.run_epoch()

    run_epoch()  # the first epoch pays for memory and code, and is not counted
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
    """Return how many images to measure by: as many as take neither long nor much memory."""
    count = get_architecture(model).cpu_probe if device == "cpu" else GPU_PROBE
    return max(2, min(PROBE_IMAGES, count * FULL_PIXELS // image_size**2))
