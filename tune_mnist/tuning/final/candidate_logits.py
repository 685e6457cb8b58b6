"""Outputs of the candidates for an ensemble, computed on the workers."""

from collections.abc import Sequence
from functools import partial

import numpy as np
import ray
from numpy.typing import NDArray

from tune_mnist.data import DataSplit
from tune_mnist.safe_paths import path_in
from tune_mnist.training import create_batches, logits_and_labels
from tune_mnist.training.ensemble_file import ENSEMBLE_FILE, ENSEMBLE_FOLDER, member_folder
from tune_mnist.tuning.final.final_progress import Say
from tune_mnist.tuning.final.kept_network import (
    KeptNetwork,
    evaluate_on_workers,
    read_kept_network,
)
from tune_mnist.tuning.planning.search_context import SearchContext
from tune_mnist.tuning.storage.kept_models import BestConfig
from tune_mnist.tuning.trials.trainable import TrialSettings


def candidate_logits(
    context: SearchContext,
    configs: Sequence[BestConfig],
    data: "ray.ObjectRef[DataSplit]",
    say: Say,
) -> dict[int, NDArray[np.float32]]:
    """Return the outputs of candidates for the validation images of a data split.

    Args:
        context: Context of the search.
        configs: Configuration and origin of each candidate.
        data: Images, labels and indices of the validation images.
        say: Function that prints a line for each candidate that is left out, because its files are
            damaged, its worker failed, or its outputs are not finite.

    Returns:
        Logits of each image (N, C), by number of the trial.
    """
    settings, workers = context.settings, context.workers
    task = ray.remote(
        num_cpus=workers.cpus,
        num_gpus=workers.gpus,
        max_retries=context.options.max_failures,
    )(validation_logits)

    def network(config: BestConfig) -> KeptNetwork:
        folder = path_in(context.directory, ENSEMBLE_FOLDER, member_folder(config.trial))
        return read_kept_network(folder, config, settings.data.channels)

    found: dict[int, NDArray[np.float32]] = evaluate_on_workers(
        {config.trial: partial(network, config) for config in configs},
        lambda kept: task.remote(kept, data, settings),
        workers.concurrent,
        lambda trial, reason: say(left_out(trial, reason)),
    )
    for trial in [trial for trial, logits in found.items() if not np.isfinite(logits).all()]:
        say(left_out(trial, "its outputs are not finite"))
        del found[trial]
    return found


def left_out(trial: int, reason: str) -> str:
    """Return the line on a candidate that is left out of the ensemble.

    Args:
        trial: Number of the trial.
        reason: Reason why the network was not evaluated, as a one-line message.
    """
    return (
        f"trial #{trial} is left out of the ensemble: {reason}; to try again, remove"
        f" {ENSEMBLE_FOLDER}/{ENSEMBLE_FILE} and resume the search"
    )


def validation_logits(
    kept: KeptNetwork, data: DataSplit, settings: TrialSettings
) -> NDArray[np.float32]:
    """Return the outputs of a stored network for the validation images, float32 (N, C).

    Args:
        kept: Stored network.
        data: Images, labels and indices of the validation images.
        settings: Settings shared by all trials.
    """
    network, compute = kept.loaded(settings)
    batches = create_batches(kept.config, data.images, data.labels, data.val, compute)
    logits, _ = logits_and_labels(network, batches, compute)
    found: NDArray[np.float32] = logits.cpu().numpy()
    return found
