"""Evaluation of each architecture's best model on the whole validation split."""

from pathlib import Path

import numpy as np
import ray
from numpy.typing import NDArray
from ray.exceptions import RayError
from rich.console import Console

from tune_mnist.data import DataSplit
from tune_mnist.errors import last_line
from tune_mnist.training import CheckpointError, create_batches, mean_loss_and_accuracy
from tune_mnist.tuning.final.kept_network import KeptNetwork, read_kept_network
from tune_mnist.tuning.planning.resources import Workers
from tune_mnist.tuning.storage.kept_models import kept_models, read_config, write_config
from tune_mnist.tuning.trials.trainable import TrialSettings


def validate_best(
    best: Path,
    data: "ray.ObjectRef[DataSplit]",
    val: NDArray[np.int64],
    settings: TrialSettings,
    workers: Workers,
    console: Console,
) -> None:
    """Call :func:`full_validation`, and print a warning if it fails.

    These accuracies are not essential: tables omit them if they are missing.

    Args:
        best: Folder of the kept models, which contains one folder per architecture.
        data: Images and labels in Ray's object store.
        val: Indices of the whole validation split.
        settings: Settings shared by all trials.
        workers: Number and resources of the workers.
        console: Console to print the warning to.
    """
    try:
        full_validation(best, data, val, settings, workers.cpus, workers.gpus)
    except (RayError, CheckpointError) as error:
        console.print(
            f"the best models were not evaluated on all validation images: {last_line(error)}",
            markup=False,
            soft_wrap=True,
        )


def full_validation(
    best: Path,
    data: "ray.ObjectRef[DataSplit]",
    val: NDArray[np.int64],
    settings: TrialSettings,
    cpus: float,
    gpus: float,
) -> dict[str, float]:
    """Evaluate each kept model on the whole validation split, in parallel on the workers.

    Trials may be validated on a fraction of these images only (``--val-fraction``). The accuracy
    is written to ``config.json`` of the model. Models with a stored accuracy are skipped.

    Args:
        best: Folder of the kept models, which contains one folder per architecture.
        data: Images and labels in Ray's object store.
        val: Indices of the whole validation split.
        settings: Settings shared by all trials.
        cpus: CPU cores per worker.
        gpus: GPUs per worker.

    Returns:
        Accuracy on the whole validation split, keyed by architecture.
    """
    evaluate = ray.remote(num_cpus=cpus, num_gpus=gpus)(_accuracy)
    configs = {folder: read_config(folder) for folder in kept_models(best)}
    new = [folder for folder, config in configs.items() if config.full_val_accuracy is None]
    channels = settings.data.channels
    networks = [read_kept_network(folder, configs[folder], channels) for folder in new]
    accuracies = [evaluate.remote(network, data, val, settings) for network in networks]
    for folder, accuracy in zip(new, ray.get(accuracies), strict=True):
        configs[folder] = configs[folder].model_copy(update={"full_val_accuracy": accuracy})
        write_config(folder, configs[folder].flat(only_set=True))
    return {folder.name: config.full_val_accuracy or 0.0 for folder, config in configs.items()}


def _accuracy(
    kept: KeptNetwork, data: DataSplit, val: NDArray[np.int64], settings: TrialSettings
) -> float:
    network, compute = kept.loaded(settings)
    batches = create_batches(kept.config, data.images, data.labels, val, compute)
    return mean_loss_and_accuracy(network, batches, compute)[1]
