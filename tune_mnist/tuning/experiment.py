"""One search from start to end: data, Ray, the tuner, and what it leaves in its folder."""

import json
import time
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

import pandas as pd
import ray
from ray import tune
from ray.tune.logger import JsonLoggerCallback
from rich.console import Console

from tune_mnist.data import DataSplit, load_dataset, split_dataset
from tune_mnist.environment import describe_hardware, package_versions
from tune_mnist.errors import UserError
from tune_mnist.files import write_text
from tune_mnist.tuning.cluster import Resources, check_placeable, connect, disconnect
from tune_mnist.tuning.estimate import expected_epochs, expected_seconds, measure_speeds
from tune_mnist.tuning.finalists import full_validation
from tune_mnist.tuning.options import SearchOptions
from tune_mnist.tuning.progress import Plan, clock, create_progress
from tune_mnist.tuning.recorder import BestModels, Recorder
from tune_mnist.tuning.records import TrialState, to_frame
from tune_mnist.tuning.scheduler import create_asha
from tune_mnist.tuning.searcher import create_searcher
from tune_mnist.tuning.space import SearchSpace
from tune_mnist.tuning.trainable import TrialSettings, train_trial


class Ending(Enum):
    """What ended a search."""

    FINISHED = "all trials have ended"
    OUT_OF_TIME = "the time budget is used up"
    INTERRUPTED = "interrupted"


@dataclass(frozen=True)
class Outcome:
    """What a search found.

    Attributes:
        trials: one row a trial, as in ``trials.csv``.
        full_val_accuracy: by architecture, the best model's accuracy on the whole validation
            part; empty if the trials were judged by all of it, or the search was interrupted.
        facts: what was done on what, for the tables.
        ending: what ended it.
    """

    trials: pd.DataFrame
    full_val_accuracy: dict[str, float]
    facts: dict[str, str]
    ending: Ending


@dataclass(frozen=True)
class _Workers:
    """How trials are placed: resources of each, how many at a time."""

    cpus: float
    gpus: float
    concurrent: int


def run_search(
    space: SearchSpace, options: SearchOptions, directory: Path, console: Console
) -> Outcome:
    """Run a search and leave its results in a folder of their own.

    Args:
        space: what to search.
        options: how.
        directory: must not exist; made once nothing can be wrong with the input any more.
        console: where the user is told what will happen and what happens.

    Raises:
        UserError: the input or the resources do not allow it; nothing has been written.
    """
    if directory.exists():
        raise UserError(f"{directory} exists already: choose another --name, or remove it")
    dataset = load_dataset(options.dataset, options.data_dir)
    data = split_dataset(dataset, options.fraction, options.val_fraction)
    everything = split_dataset(dataset)
    resources = connect(options.address)
    try:
        workers = _place(options, resources)
        settings = _settings(options, workers)
        facts = _facts(space, options, data, everything, workers, resources)
        shared = ray.put(data)
        _announce(console, directory, facts, resources)
        _announce_time(console, space, options, data, shared, settings, workers)
        directory.mkdir(parents=True)
        _write_experiment(directory, space, options, facts)
        recorder, ending = _tune(
            space, options, directory, console, shared, settings, workers, resources
        )
        full: dict[str, float] = {}
        if ending is not Ending.INTERRUPTED and len(data.val) < len(everything.val):
            full = full_validation(
                directory / "best", shared, everything.val, settings, workers.cpus, workers.gpus
            )
        return Outcome(to_frame(recorder.records), full, facts, ending)
    finally:
        disconnect()


def _place(options: SearchOptions, resources: Resources) -> _Workers:
    """Decide what a trial gets, and how many run at a time."""
    gpus = options.gpus_per_trial
    if gpus is None:
        gpus = 1.0 if resources.gpus and options.device != "cpu" else 0.0
    if options.device == "cuda" and not gpus:
        raise UserError("--device cuda: trials get no GPU: there is none, or --gpus-per-trial 0")
    if options.device == "cpu" and gpus:
        raise UserError(f"--gpus-per-trial {gpus:g}: contradicts --device cpu")
    check_placeable(options.cpus_per_trial, gpus)
    fitting = int(resources.cpus / options.cpus_per_trial)
    if gpus:
        fitting = min(fitting, int(resources.gpus / gpus))
    return _Workers(options.cpus_per_trial, gpus, min(fitting, options.max_concurrent or fitting))


def _settings(options: SearchOptions, workers: _Workers) -> TrialSettings:
    return TrialSettings(
        image_size=options.image_size,
        max_epochs=options.max_epochs,
        seed=options.seed,
        threads=max(1, int(workers.cpus)),
        device="cuda" if workers.gpus else "cpu",
        precision=options.precision,
    )


def _facts(
    space: SearchSpace,
    options: SearchOptions,
    data: DataSplit,
    everything: DataSplit,
    workers: _Workers,
    resources: Resources,
) -> dict[str, str]:
    """Say what is done on what: the header of the search and of every table."""
    device = f"{workers.gpus:g} GPU" if workers.gpus else f"{workers.cpus:g} CPU"
    budget = f", at most {clock(options.time_budget)}" if options.time_budget else ""
    return {
        "space": f"{space.name}: {space.description} ({', '.join(space.parameter_names)})",
        "data": f"{options.dataset}, {len(data.train):,} of {len(everything.train):,} training"
        f" images, {len(data.val):,} of {len(everything.val):,} validation images",
        "image size": _image_sizes(space, options),
        "trials": f"{options.num_samples}, up to {options.max_epochs} epochs each, TPE + ASHA,"
        f" seed {options.seed}{budget}",
        "workers": f"{workers.concurrent} at a time, {device} each, precision {options.precision}",
        "hardware": f"{resources.nodes} node{'s' * (resources.nodes > 1)}; {describe_hardware()}",
    }


def _image_sizes(space: SearchSpace, options: SearchOptions) -> str:
    sizes = []
    if space.models != ("lenet",):
        sizes.append(f"{options.image_size}x{options.image_size}")
    if "lenet" in space.models:
        sizes.append("32x32 (LeNet)")
    return ", ".join(sizes)


def _announce(
    console: Console, directory: Path, facts: dict[str, str], resources: Resources
) -> None:
    lines = {**facts, "results": str(directory), "dashboard": resources.dashboard or "not running"}
    for key, value in lines.items():
        console.print(f"{key:<10} {value}", markup=False, highlight=False, soft_wrap=True)


def _announce_time(
    console: Console,
    space: SearchSpace,
    options: SearchOptions,
    data: DataSplit,
    shared: "ray.ObjectRef[DataSplit]",
    settings: TrialSettings,
    workers: _Workers,
) -> None:
    speeds = measure_speeds(space.models, shared, settings, workers.cpus, workers.gpus)
    seconds = expected_seconds(
        speeds, data, options.num_samples, options.max_epochs, workers.concurrent
    )
    epochs = expected_epochs(options.num_samples, options.max_epochs)
    measured = ", ".join(f"{model} {speed.train:,.0f}" for model, speed in speeds.items())
    limit = ""
    if options.time_budget and seconds > options.time_budget:
        limit = f", cut off by the time budget at {clock(options.time_budget)}"
    console.print(
        f"{'expected':<10} about {clock(seconds)}{limit}: some {epochs:.0f} epochs at"
        f" (images/s a worker) {measured}\n",
        markup=False,
        highlight=False,
        soft_wrap=True,
    )


def _write_experiment(
    directory: Path, space: SearchSpace, options: SearchOptions, facts: dict[str, str]
) -> None:
    content: dict[str, Any] = {
        "options": options.model_dump(mode="json"),
        "space": {"name": space.name, "text": space.text},
        "facts": facts,
        "versions": package_versions(),
        "started": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
    }
    write_text(directory / "experiment.json", json.dumps(content, indent=2) + "\n")


def _tune(
    space: SearchSpace,
    options: SearchOptions,
    directory: Path,
    console: Console,
    shared: "ray.ObjectRef[DataSplit]",
    settings: TrialSettings,
    workers: _Workers,
    resources: Resources,
) -> tuple[Recorder, Ending]:
    """Run the trials; tell what ended them."""
    scheduler = create_asha(options.max_epochs)
    recorder = Recorder(
        directory / "trials.csv", scheduler.pruned.__contains__, options.max_epochs
    )
    plan = Plan(
        directory.name,
        options.num_samples,
        options.max_epochs,
        options.time_budget,
        resources.dashboard,
    )
    progress = create_progress(console, plan, recorder)
    best = BestModels(
        directory / "best", lambda config: settings.train_config(config).model_dump()
    )
    trainable = tune.with_resources(
        tune.with_parameters(train_trial, data=shared, settings=settings),
        {"cpu": workers.cpus, "gpu": workers.gpus},
    )
    tuner = tune.Tuner(
        trainable,
        tune_config=tune.TuneConfig(
            search_alg=create_searcher(space, options.num_samples, options.seed),
            scheduler=scheduler,
            num_samples=options.num_samples,
            max_concurrent_trials=workers.concurrent,
            time_budget_s=options.time_budget,
            reuse_actors=True,
            trial_dirname_creator=lambda trial: str(trial.trial_id),
        ),
        run_config=tune.RunConfig(
            name="ray",
            storage_path=str(directory.absolute()),
            callbacks=[recorder, best, JsonLoggerCallback(), progress],
            checkpoint_config=tune.CheckpointConfig(num_to_keep=1),
            verbose=0,
        ),
    )
    start = time.monotonic()
    try:
        tuner.fit()
    finally:
        progress.close()
        ending = _ending(recorder, options, time.monotonic() - start)
        recorder.finish()
    return recorder, ending


def _ending(recorder: Recorder, options: SearchOptions, seconds: float) -> Ending:
    records = recorder.records
    if len(records) == options.num_samples and all(
        record.state.ended and record.state is not TrialState.INTERRUPTED for record in records
    ):
        return Ending.FINISHED
    if options.time_budget and seconds >= options.time_budget:
        return Ending.OUT_OF_TIME
    return Ending.INTERRUPTED
