"""Evaluation of each architecture's best model on the whole validation split."""

from functools import partial
from pathlib import Path

import numpy as np
import ray
from numpy.typing import NDArray

from tune_mnist.data import DataSplit
from tune_mnist.errors import UserError
from tune_mnist.safe_paths import path_in
from tune_mnist.training import create_batches, mean_loss_and_accuracy
from tune_mnist.tuning.final.final_progress import Say
from tune_mnist.tuning.final.kept_network import (
    KeptNetwork,
    evaluate_on_workers,
    read_kept_network,
)
from tune_mnist.tuning.planning.search_context import SearchContext
from tune_mnist.tuning.storage.kept_models import (
    BestConfig,
    kept_models,
    read_config,
    write_config,
)
from tune_mnist.tuning.trials.trainable import TrialSettings


def full_validation(context: SearchContext, val: NDArray[np.int64], say: Say) -> None:
    """Evaluate each kept model on the whole validation split, in parallel on the workers.

    Trials may be validated on a fraction of these images only (``--val-fraction``). The accuracy
    is written to ``config.json`` of the model. Models with a stored accuracy are skipped. These
    accuracies are not essential: tables omit them if they are missing.

    Args:
        context: Context of the search.
        val: Indices of the whole validation split.
        say: Function that prints what is evaluated, and a line for each model that is left out,
            because its files are damaged or its worker failed.
    """

    def leave_out(folder: Path, reason: str) -> None:
        say(f"the best {folder.name} is not evaluated on all validation images: {reason}")

    configs: dict[Path, BestConfig] = {}
    for folder in kept_models(path_in(context.directory, "best")):
        try:
            config = read_config(folder)
        except UserError as error:
            leave_out(folder, str(error))
        else:
            if config.full_val_accuracy is None:
                configs[folder] = config
    if not configs:
        return
    names = ", ".join(folder.name for folder in configs)
    say(f"evaluating the best {names} on all {len(val):,} validation images")
    settings, workers = context.settings, context.workers
    evaluate = ray.remote(num_cpus=workers.cpus, num_gpus=workers.gpus)(_accuracy)
    accuracies: dict[Path, float] = evaluate_on_workers(
        {
            folder: partial(read_kept_network, folder, config, settings.data.channels)
            for folder, config in configs.items()
        },
        lambda network: evaluate.remote(network, context.shared, val, settings),
        workers.concurrent,
        leave_out,
    )
    for folder, accuracy in accuracies.items():
        tested = configs[folder].model_copy(update={"full_val_accuracy": accuracy})
        write_config(folder, tested.flat(only_set=True))


def _accuracy(
    kept: KeptNetwork, data: DataSplit, val: NDArray[np.int64], settings: TrialSettings
) -> float:
    network, compute = kept.loaded(settings)
    batches = create_batches(kept.config, data.images, data.labels, val, compute)
    return mean_loss_and_accuracy(network, batches, compute)[1]
