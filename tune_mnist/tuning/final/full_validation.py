"""Evaluation of each architecture's best model on the whole validation split."""

from functools import partial
from pathlib import Path

import numpy as np
import ray
from numpy.typing import NDArray

from tune_mnist.data import DataSplit
from tune_mnist.errors import UserError
from tune_mnist.training import create_batches, mean_loss_and_accuracy
from tune_mnist.tuning.final.final_progress import Say
from tune_mnist.tuning.final.kept_network import (
    KeptNetwork,
    evaluate_on_workers,
    read_kept_network,
)
from tune_mnist.tuning.planning.resources import Workers
from tune_mnist.tuning.storage.kept_models import (
    BestConfig,
    kept_models,
    read_config,
    write_config,
)
from tune_mnist.tuning.trials.trainable import TrialSettings


def full_validation(
    best: Path,
    data: "ray.ObjectRef[DataSplit]",
    val: NDArray[np.int64],
    settings: TrialSettings,
    workers: Workers,
    say: Say,
) -> dict[str, float]:
    """Evaluate each kept model on the whole validation split, in parallel on the workers.

    Trials may be validated on a fraction of these images only (``--val-fraction``). The accuracy
    is written to ``config.json`` of the model. Models with a stored accuracy are skipped. These
    accuracies are not essential: tables omit them if they are missing.

    Args:
        best: Folder of the kept models, which contains one folder per architecture.
        data: Images and labels in Ray's object store.
        val: Indices of the whole validation split.
        settings: Settings shared by all trials.
        workers: Number and resources of the workers.
        say: Function that prints what is evaluated, and a line for each model that is left out,
            because its files are damaged or its worker failed.

    Returns:
        Accuracy on the whole validation split, keyed by architecture.
    """

    def leave_out(folder: Path, reason: str) -> None:
        say(f"the best {folder.name} is not evaluated on all validation images: {reason}")

    configs: dict[Path, BestConfig] = {}
    for folder in kept_models(best):
        try:
            configs[folder] = read_config(folder)
        except UserError as error:
            leave_out(folder, str(error))
    new = {
        folder: partial(read_kept_network, folder, config, settings.data.channels)
        for folder, config in configs.items()
        if config.full_val_accuracy is None
    }
    if new:
        names = ", ".join(folder.name for folder in new)
        say(f"evaluating the best {names} on all {len(val):,} validation images")
    evaluate = ray.remote(num_cpus=workers.cpus, num_gpus=workers.gpus)(_accuracy)
    accuracies: dict[Path, float] = evaluate_on_workers(
        new,
        lambda network: evaluate.remote(network, data, val, settings),
        workers.concurrent,
        leave_out,
    )
    for folder, accuracy in accuracies.items():
        configs[folder] = configs[folder].model_copy(update={"full_val_accuracy": accuracy})
        write_config(folder, configs[folder].flat(only_set=True))
    return {
        folder.name: config.full_val_accuracy
        for folder, config in configs.items()
        if config.full_val_accuracy is not None
    }


def _accuracy(
    kept: KeptNetwork, data: DataSplit, val: NDArray[np.int64], settings: TrialSettings
) -> float:
    network, compute = kept.loaded(settings)
    batches = create_batches(kept.config, data.images, data.labels, val, compute)
    return mean_loss_and_accuracy(network, batches, compute)[1]
