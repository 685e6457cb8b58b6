"""Resources and settings of the trials."""

from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from tune_mnist.data import DataForm
from tune_mnist.data.form import MNIST
from tune_mnist.errors import UserError
from tune_mnist.training import Fidelity
from tune_mnist.tuning.cluster.connection import Resources
from tune_mnist.tuning.cluster.placement import check_placeable, count_fitting
from tune_mnist.tuning.options.search_options import SearchOptions
from tune_mnist.tuning.storage.storage_path import open_store
from tune_mnist.tuning.trials.trainable import TrialSettings


@dataclass(frozen=True)
class Workers:
    """Resources of each trial, and the number of trials that run at the same time.

    Attributes:
        cpus: CPU cores per trial, greater than 0.
        gpus: GPUs per trial, at least 0.
        concurrent: Number of concurrent trials, at least 1.
    """

    cpus: float
    gpus: float
    concurrent: int


def place(options: SearchOptions, resources: Resources) -> Workers:
    """Choose the resources of each trial and the number of concurrent trials.

    A trial gets a GPU by default if there is one.

    Args:
        options: Options of the search.
        resources: Resources of the machine or cluster.

    Raises:
        UserError: The options contradict each other, or no node has the resources of a trial.
    """
    gpus = options.gpus_per_trial
    if gpus is None:
        gpus = 1.0 if resources.gpus and options.device != "cpu" else 0.0
    if options.device == "cuda" and not gpus:
        reason = "of --gpus-per-trial 0" if options.gpus_per_trial == 0 else "there is none"
        raise UserError(
            f"--device cuda: trials get no GPU, because {reason}; use --device cpu or auto"
        )
    if options.device == "cpu" and gpus:
        raise UserError(
            f"--gpus-per-trial {gpus:g} contradicts --device cpu; remove one of the two options"
        )
    check_placeable(options.cpus_per_trial, gpus)
    fitting = count_fitting(options.cpus_per_trial, gpus)
    return Workers(options.cpus_per_trial, gpus, min(fitting, options.max_concurrent or fitting))


def threads(cpus: float) -> int:
    """Return the number of PyTorch threads for a trial with ``cpus`` CPU cores."""
    return max(1, int(cpus))


def trial_settings(
    options: SearchOptions,
    workers: Workers,
    directory: Path,
    checkpoints: str | None = None,
    fidelity: Fidelity | None = None,
    networks: bytes = b"",
    form: DataForm = MNIST,
) -> TrialSettings:
    """Build the settings shared by all trials.

    Args:
        options: Options of the search.
        workers: Resources of each trial.
        directory: Results folder.
        checkpoints: Path or URI of the checkpoints. If None, they are in the results folder.
        fidelity: Stages of each trial, or None if there is only one stage.
        networks: User-defined networks, serialized by ``pack_networks``.
        form: Name, size, channels and classes of the data set.
    """
    return TrialSettings(
        image_size=options.image_size,
        max_epochs=options.max_epochs,
        seed=options.seed,
        threads=threads(workers.cpus),
        device="cuda" if workers.gpus else "cpu",
        precision=options.precision,
        init=options.init,
        store=open_store(checkpoints or str(directory.absolute() / "checkpoints"), uuid4().hex),
        fidelity=fidelity,
        networks=networks,
        data=form,
    )
