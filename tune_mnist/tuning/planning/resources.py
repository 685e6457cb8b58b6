"""Resources and settings of the trials, and the facts that describe a search."""

from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from rich.console import Console

from tune_mnist.console import print_facts
from tune_mnist.data import DataForm, DataSplit, default_fraction
from tune_mnist.data.form import MNIST
from tune_mnist.data.split import MIN_TRAIN_IMAGES
from tune_mnist.durations import clock
from tune_mnist.environment import describe_hardware
from tune_mnist.errors import UserError
from tune_mnist.models import get_architecture
from tune_mnist.models.settings import DERIVED
from tune_mnist.training import Fidelity, resolve_compute
from tune_mnist.tuning.cluster.connection import Resources
from tune_mnist.tuning.cluster.placement import check_placeable, count_fitting
from tune_mnist.tuning.options.option_presentation import FALLBACKS
from tune_mnist.tuning.options.search_options import SearchOptions
from tune_mnist.tuning.spaces.space import SearchSpace
from tune_mnist.tuning.spaces.stages import describe_stages
from tune_mnist.tuning.storage.storage_path import open_store
from tune_mnist.tuning.trials.trainable import TrialSettings

_INITIAL_WEIGHTS = {
    DERIVED: "initial weights that suit the activation",
    "torch": "PyTorch's initial weights",
}
_DIRECTIONS = {"max": "maximized", "min": "minimized"}


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
        networks: User-defined networks, serialised by ``pack_networks``.
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


def facts(
    space: SearchSpace,
    options: SearchOptions,
    form: DataForm,
    data: DataSplit,
    everything: DataSplit,
    workers: Workers,
    resources: Resources,
    final_runs: str,
) -> dict[str, str]:
    """Describe a search by headings and values, which are printed at its start and reported.

    Args:
        space: Search space.
        options: Options of the search.
        form: Name, size, channels and classes of the data set.
        data: Training and validation data of the trials.
        everything: Training and validation split with all images.
        workers: Resources of each trial, and the number of concurrent trials.
        resources: Resources of the machine or cluster.
        final_runs: Description of the final runs.

    Returns:
        Facts, keyed by heading, in the order in which they are printed.
    """
    device = f"{workers.gpus:g} GPU" if workers.gpus else f"{workers.cpus:g} CPU"
    budget = f", at most {clock(options.time_budget)}" if options.time_budget else ""
    if options.budget:
        budget = f", at most {clock(options.budget)} with the final evaluation"
    growing = " (changes as nodes join or leave)" if resources.head else ""
    return {
        "space": f"{space.name}: {space.description} ({', '.join(space.parameter_names)})",
        "data": f"{form.describe()}, {len(data.train):,} of {len(everything.train):,} training"
        f" images{_raised(space, options, everything)}, {len(data.val):,} of"
        f" {len(everything.val):,} validation images",
        "image size": _image_sizes(space, options),
        "init": f"{_INITIAL_WEIGHTS[options.init]} ({options.init})",
        **_stages(space, options),
        "trials": f"{'at most ' * bool(options.budget)}{options.num_samples}, up to"
        f" {options.max_epochs} epoch{'s' * (options.max_epochs > 1)} each, searcher"
        f" {options.searcher}, scheduler {options.scheduling.name}, seed {options.seed}{budget}",
        "objective": " and ".join(
            f"{key} ({_DIRECTIONS[way]})" for key, way in options.directions.items()
        ),
        "final runs": final_runs,
        "workers": f"{workers.concurrent} at a time{growing}, {device} each, precision"
        f" {_precision(options, workers)}",
        "hardware": f"{resources.nodes} node{'s' * (resources.nodes > 1)}; {describe_hardware()}",
    }


def _raised(space: SearchSpace, options: SearchOptions, everything: DataSplit) -> str:
    """Explain that more than the default fraction of small data is used, or return ``""``."""
    default = space.defaults.fraction or FALLBACKS["fraction"]
    enough = default_fraction(default, len(everything.train) + len(everything.val))
    if enough == default or options.fraction != enough:
        return ""
    used = "all of them" if enough == 1 else f"at least {MIN_TRAIN_IMAGES:,}"
    return f" ({used}, as {default:.2g} of this data set would be fewer than {MIN_TRAIN_IMAGES:,})"


def _precision(options: SearchOptions, workers: Workers) -> str:
    """Return the number format, with ``auto`` resolved if trials run on this machine."""
    if options.precision != "auto" or options.address is not None:
        return options.precision
    compute = resolve_compute("cuda" if workers.gpus else "cpu")
    return f"{compute.precision} (auto)"


def announce(console: Console, facts: dict[str, str], directory: Path, dashboard: str) -> None:
    """Print the description of a search before its trials start.

    Args:
        console: Console to print to.
        facts: Facts, keyed by heading, as returned by ``facts``.
        directory: Results folder.
        dashboard: URL of Ray's dashboard, or the reason why there is none.
    """
    print_facts(console, {**facts, "results": str(directory), "dashboard": dashboard})


def _stages(space: SearchSpace, options: SearchOptions) -> dict[str, str]:
    fidelity = options.fidelity(space)
    if fidelity is None:
        return {}
    fixed = all(get_architecture(model).fixed_size for model in space.models)
    return {"fidelity": describe_stages(fidelity, fixed_size=fixed)}


def _image_sizes(space: SearchSpace, options: SearchOptions) -> str:
    fixed = {model: get_architecture(model).fixed_size for model in space.models}
    free = None in fixed.values()
    sizes = [f"{options.image_size}x{options.image_size}"] if free else []
    sizes += [f"{size}x{size} ({model})" for model, size in fixed.items() if size is not None]
    return ", ".join(sizes)
