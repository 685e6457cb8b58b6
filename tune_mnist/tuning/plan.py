"""What a search is going to do: where trials run, on what data, and how long it may take."""

import os
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import ray
import torch
from ray.exceptions import RayError
from rich.console import Console

from tune_mnist.console import print_facts
from tune_mnist.data import DataSplit
from tune_mnist.environment import describe_hardware
from tune_mnist.errors import UserError
from tune_mnist.training import Fidelity, resolve_compute
from tune_mnist.tuning.cluster import Resources, check_placeable, count_fitting
from tune_mnist.tuning.estimate import (
    Speed,
    expected_epochs,
    expected_seconds,
    measure_speeds,
    time_on_workers,
)
from tune_mnist.tuning.final_plan import final_epochs
from tune_mnist.tuning.options import SearchOptions
from tune_mnist.tuning.progress import clock
from tune_mnist.tuning.space import SearchSpace
from tune_mnist.tuning.stages import describe
from tune_mnist.tuning.storage_path import open_store
from tune_mnist.tuning.trainable import TrialSettings


@dataclass(frozen=True)
class Workers:
    """How trials are placed.

    Attributes:
        cpus: CPU cores of a trial.
        gpus: GPUs of a trial.
        concurrent: how many trials at a time.
    """

    cpus: float
    gpus: float
    concurrent: int


def place(options: SearchOptions, resources: Resources) -> Workers:
    """Decide what a trial gets, and how many run at a time.

    Raises:
        UserError: no node could ever hold a trial.
    """
    gpus = options.gpus_per_trial
    if gpus is None:
        gpus = 1.0 if resources.gpus and options.device != "cpu" else 0.0
    if options.device == "cuda" and not gpus:
        raise UserError("--device cuda: trials get no GPU: there is none, or --gpus-per-trial 0")
    if options.device == "cpu" and gpus:
        raise UserError(f"--gpus-per-trial {gpus:g}: contradicts --device cpu")
    check_placeable(options.cpus_per_trial, gpus)
    fitting = count_fitting(options.cpus_per_trial, gpus)
    return Workers(options.cpus_per_trial, gpus, min(fitting, options.max_concurrent or fitting))


def fills_machine(options: SearchOptions) -> bool:
    """Tell whether on this machine about as many trials run at a time as it has cores."""
    if options.gpus_per_trial or (options.device != "cpu" and torch.cuda.is_available()):
        return False
    cores = os.cpu_count() or 1
    fitting = cores / options.cpus_per_trial
    return 2 * min(fitting, options.max_concurrent or fitting) >= cores


def trial_settings(
    options: SearchOptions,
    workers: Workers,
    directory: Path,
    checkpoints: str | None = None,
    fidelity: Fidelity | None = None,
) -> TrialSettings:
    """Return what all trials have in common.

    Args:
        options: of the search.
        workers: how trials are placed.
        directory: the results folder.
        checkpoints: path or URI of where they go; None: into the results folder.
        fidelity: the stages of a trial; None: all its epochs are alike.
    """
    return TrialSettings(
        image_size=options.image_size,
        max_epochs=options.max_epochs,
        seed=options.seed,
        threads=max(1, int(workers.cpus)),
        device="cuda" if workers.gpus else "cpu",
        precision=options.precision,
        store=open_store(checkpoints or str(directory.absolute() / "checkpoints"), uuid4().hex),
        fidelity=fidelity,
    )


def facts(
    space: SearchSpace,
    options: SearchOptions,
    data: DataSplit,
    everything: DataSplit,
    workers: Workers,
    resources: Resources,
    final_runs: str,
) -> dict[str, str]:
    """Say what is done on what: the header of the search and of every table."""
    device = f"{workers.gpus:g} GPU" if workers.gpus else f"{workers.cpus:g} CPU"
    budget = f", at most {clock(options.time_budget)}" if options.time_budget else ""
    growing = " (other numbers as nodes join or go)" if resources.head else ""
    return {
        "space": f"{space.name}: {space.description} ({', '.join(space.parameter_names)})",
        "data": f"{options.dataset}, {len(data.train):,} of {len(everything.train):,} training"
        f" images, {len(data.val):,} of {len(everything.val):,} validation images",
        "image size": _image_sizes(space, options),
        **_stages(space, options),
        "trials": f"{options.num_samples}, up to {options.max_epochs} epochs each,"
        f" searcher {options.searcher}, scheduler {options.scheduling.name},"
        f" seed {options.seed}{budget}",
        "objective": " and ".join(f"{key} ({way})" for key, way in options.directions.items()),
        "final runs": final_runs,
        "workers": f"{workers.concurrent} at a time{growing}, {device} each, precision"
        f" {_precision(options, workers)}",
        "hardware": f"{resources.nodes} node{'s' * (resources.nodes > 1)}; {describe_hardware()}",
    }


def _precision(options: SearchOptions, workers: Workers) -> str:
    """Return the number format, also what auto has become where that is known."""
    if options.precision != "auto" or options.address is not None:
        return options.precision
    compute = resolve_compute("cuda" if workers.gpus else "cpu")
    return f"{compute.precision} (auto)"


def announce(console: Console, facts: dict[str, str], directory: Path, dashboard: str) -> None:
    """Tell the user what is going to happen."""
    print_facts(console, {**facts, "results": str(directory), "dashboard": dashboard})


def announce_time(
    console: Console,
    space: SearchSpace,
    options: SearchOptions,
    trials: int,
    data: DataSplit,
    shared: "ray.ObjectRef[DataSplit]",
    settings: TrialSettings,
    workers: Workers,
    final_images: int,
) -> None:
    """Tell the user how long it may take, having measured it on the workers.

    Args:
        console: where to tell it.
        space: what is searched.
        options: how.
        trials: how many trials are to come.
        data: the split that they are trained on.
        shared: the same in the object store.
        settings: what all trials have in common.
        workers: how they are placed.
        final_images: how many images a run of the final evaluation is trained on.
    """
    try:
        with console.status("measuring the speed of a worker"):
            speeds = measure_speeds(space.models, shared, settings, workers.cpus, workers.gpus)
    except RayError as error:
        reason = str(error).strip().splitlines()[-1]
        console.print(
            f"{'expected':<10} unknown: no worker could be measured: {reason}\n",
            markup=False,
            soft_wrap=True,
        )
        return
    scheduling = options.scheduling_for(space)
    seconds = expected_seconds(
        speeds, data, trials, scheduling, workers.concurrent, settings.fidelity
    )
    epochs = expected_epochs(trials, scheduling)
    final = _expected_final_seconds(speeds, options, workers, final_images)
    measured = ", ".join(f"{model} {speed.train:,.0f}" for model, speed in speeds.items())
    limit = ""
    if options.time_budget and seconds > options.time_budget:
        limit = f", cut off by the time budget at {clock(options.time_budget)}"
    runs = f", then about {clock(final)} for the final runs" if final else ""
    console.print(
        f"{'expected':<10} about {clock(seconds)}{limit}{runs}: some {epochs:.0f} epochs of trials"
        f" at (images/s a worker) {measured}\n",
        markup=False,
        highlight=False,
        soft_wrap=True,
    )


def _expected_final_seconds(
    speeds: dict[str, Speed], options: SearchOptions, workers: Workers, images: int
) -> float:
    """Return the expected wall time of the final evaluation; the test set takes next to none."""
    seconds = [final_epochs(options) * images / speed.train for speed in speeds.values()]
    return time_on_workers(
        [each for each in seconds for _ in range(options.final_seeds)], workers.concurrent
    )


def _stages(space: SearchSpace, options: SearchOptions) -> dict[str, str]:
    fidelity = options.fidelity(space)
    if fidelity is None:
        return {}
    return {"fidelity": describe(fidelity, fixed_size=space.models == ("lenet",))}


def _image_sizes(space: SearchSpace, options: SearchOptions) -> str:
    sizes = []
    if space.models != ("lenet",):
        sizes.append(f"{options.image_size}x{options.image_size}")
    if "lenet" in space.models:
        sizes.append("32x32 (LeNet)")
    return ", ".join(sizes)
