"""Cost of a trial apart from training: ``python -m benchmarks.orchestration``.

Runs trials that do not train, with the project's own searcher (TPE over the shipped LeNet space),
scheduler (asha), study, table of trials and callbacks. The reported accuracy is a function of
trial number and epoch. Each trial writes an empty file in place of its checkpoint, because the
search manages checkpoints. The cost per trial,

    wall time x workers / trials

therefore consists only of orchestration. For comparison, Ray Tune runs the same number of trials
with its OptunaSearch and its ASHA scheduler at their defaults. The time does not include the start
of Ray, which happens once per search. The time until the first report has its own column, and the
cost is given with and without it. In this time, the worker processes start and import PyTorch,
which also happens only once per search if workers are reused.
"""

import cProfile
import math
import random
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import click
import optuna
import pandas as pd
import ray
import torch
from ray import tune
from ray.tune import Callback
from ray.tune.experiment import Trial
from ray.tune.schedulers import ASHAScheduler
from ray.tune.search.optuna import OptunaSearch

from benchmarks.tables import show_and_write
from tune_mnist.command import run
from tune_mnist.console import report_console
from tune_mnist.data import load_dataset, split_dataset
from tune_mnist.training import MODEL_FILE, CheckpointFolder
from tune_mnist.tuning.cluster.connection import connected, starts_here
from tune_mnist.tuning.cluster.node_tasks import alive_nodes
from tune_mnist.tuning.options.search_options import SearchOptions
from tune_mnist.tuning.planning import resources
from tune_mnist.tuning.planning.search_context import SearchContext
from tune_mnist.tuning.recording.callbacks import Recorder
from tune_mnist.tuning.running.run_trials import run_trials
from tune_mnist.tuning.running.search_components import build_components
from tune_mnist.tuning.running.stop_reason import StopReason
from tune_mnist.tuning.spaces.space import SearchSpace, load_space
from tune_mnist.tuning.trials.reports import METRIC, NUMBER, TIME_ATTR
from tune_mnist.tuning.trials.trainable import TrialSettings

SPACE = "lenet"
CONTESTANTS = ("ours", "ray_tune")
STEM = Path(__file__).with_suffix("")


def idle_trial(config: dict[str, Any], data: Any, settings: TrialSettings) -> None:
    """Report made-up epochs, and resume after a pause, as ``train_trial`` does."""
    del data
    checkpoints = settings.checkpoints_of(config[NUMBER])
    assert isinstance(checkpoints, CheckpointFolder)  # noqa: S101
    for epoch in range(checkpoints.newest_epoch() + 1, settings.max_epochs + 1):
        checkpoints.at(epoch).mkdir(parents=True)
        (checkpoints.at(epoch) / MODEL_FILE).touch()
        checkpoints.keep_only(epoch)
        tune.report(
            {
                TIME_ATTR: epoch,
                METRIC: made_up_accuracy(config[NUMBER], epoch),
                "train_seconds": 0.0,
                **dict.fromkeys(("train_loss", "train_accuracy", "val_loss"), 0.0),
                **{"images_per_second": 1.0, "parameters": 1},
            }
        )


def made_up_accuracy(number: int, epoch: int) -> float:
    """Return a made-up accuracy that increases with the epoch and differs between trials."""
    quality = random.Random(number).random()  # noqa: S311 - no secret
    return 1 - (1 - 0.5 * quality) / (1 + epoch)


@dataclass(frozen=True)
class Times:
    """Duration of a run.

    Attributes:
        first_report: Seconds until the first report of a trial.
        all_trials: Seconds until all trials have ended.
    """

    first_report: float
    all_trials: float


class Clock(Callback):
    """Clock that records the time of the first report."""

    def __init__(self) -> None:
        self._start = time.perf_counter()
        self._first_report = math.nan

    def on_trial_result(self, **info: Any) -> None:
        """Record the time of the first call."""
        if math.isnan(self._first_report):
            self._first_report = time.perf_counter() - self._start

    def times(self) -> Times:
        """Return the times up to now, when all trials must have ended."""
        return Times(self._first_report, time.perf_counter() - self._start)


class TimedRecorder(Recorder):
    """The project's recorder with a clock.

    Args:
        clock: Clock that is notified of each report.
        given: Arguments of the recorder.
    """

    def __init__(self, clock: Clock, *given: Any) -> None:
        super().__init__(*given)
        self._clock = clock

    def on_trial_result(self, trial: Trial, result: dict[str, Any], **info: Any) -> None:
        """Notify the clock, then record the result."""
        self._clock.on_trial_result()
        super().on_trial_result(trial, result, **info)


def run_components(
    trials: int,
    space: SearchSpace,
    options: SearchOptions,
    directory: Path,
    *,
    elastic: bool = False,
) -> Times:
    """Run idle trials with this project's components, as a search does; return the times."""
    options = options.model_copy(update={"num_samples": trials})
    cluster = resources.Workers(options.cpus_per_trial, 0, options.max_concurrent or 1)
    data = split_dataset(load_dataset("digits"))
    context = SearchContext(
        space=space,
        options=options,
        directory=directory,
        shared=ray.put(data),
        settings=resources.trial_settings(options, cluster, directory),
        workers=cluster,
        dashboard="not running",
        final_images=0,
        train_images=len(data.train),
        val_images=len(data.val),
        chance_level=data.chance_level,
        nodes=alive_nodes() if elastic else None,
    )
    directory.mkdir()
    clock = Clock()
    components = build_components(context, partial(TimedRecorder, clock))
    context.settings.store.start()
    components.searcher.left = trials
    with (directory / "progress.log").open("w") as log:
        stop_reason, detail = run_trials(
            context, components, report_console(log), trainable=idle_trial
        )
    if stop_reason is not StopReason.FINISHED:
        raise SystemExit(f"error: the search ended unexpectedly: {stop_reason.value} {detail}")
    return clock.times()


def plain_idle_trial(config: dict[str, Any], max_epochs: int) -> None:
    """Report made-up epochs to plain Ray Tune."""
    number = hash(config["lr"])
    for epoch in range(1, max_epochs + 1):
        tune.report({METRIC: made_up_accuracy(number, epoch)})


def run_plain(trials: int, options: SearchOptions, directory: Path) -> Times:
    """Run idle trials with Ray Tune at its defaults; return the times."""
    clock = Clock()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    trainable = tune.with_parameters(plain_idle_trial, max_epochs=options.max_epochs)
    tuner = tune.Tuner(
        tune.with_resources(trainable, {"cpu": options.cpus_per_trial}),
        param_space={
            "lr": tune.loguniform(1e-4, 3e-1),
            "batch_size": tune.choice([32, 64, 128, 256]),
            "dropout": tune.uniform(0.0, 0.5),
            "optimizer": tune.choice(["sgd", "adam", "adamw", "rmsprop"]),
        },
        tune_config=tune.TuneConfig(
            metric=METRIC,
            mode="max",
            search_alg=OptunaSearch(seed=options.seed),
            scheduler=ASHAScheduler(max_t=options.max_epochs),
            num_samples=trials,
            max_concurrent_trials=options.max_concurrent,
        ),
        run_config=tune.RunConfig(
            name="plain", storage_path=str(directory), verbose=0, callbacks=[clock]
        ),
    )
    tuner.fit()
    return clock.times()


def measure(
    counts: tuple[int, ...], contestants: tuple[str, ...], options: SearchOptions, profile: bool
) -> pd.DataFrame:
    """Run each number of trials with each contestant; return a row per run."""
    space = load_space(SPACE)
    rows = []
    for trials in counts:
        for name in contestants:
            with tempfile.TemporaryDirectory() as folder:
                directory = Path(folder) / "search"
                task: Callable[[], Times] = (
                    (lambda: run_components(trials, space, options, directory))  # noqa: B023
                    if name == CONTESTANTS[0]
                    else (lambda: run_plain(trials, options, directory))  # noqa: B023
                )
                times = _profiled(task, Path(f"{name}-{trials}.prof")) if profile else task()
            rows.append(cost_row(name, trials, times, options.max_concurrent or 1))
            click.echo(rows[-1])
    return pd.DataFrame(rows)


def _profiled(task: Callable[[], Times], path: Path) -> Times:
    profiler = cProfile.Profile()
    times = profiler.runcall(task)
    profiler.dump_stats(path)
    return times


def cost_row(name: str, trials: int, times: Times, workers: int) -> dict[str, Any]:
    """Return the row of a run, with the cost per trial.

    Args:
        name: Name of the contestant.
        trials: Number of trials.
        times: Duration of the run.
        workers: Number of concurrent trials.
    """
    return {
        "contestant": name,
        "trials": trials,
        "workers": workers,
        "wall_seconds": round(times.all_trials, 2),
        "first_report_seconds": round(times.first_report, 2),
        "cost_per_trial_seconds": round(
            (times.all_trials - times.first_report) * workers / trials, 4
        ),
        "with_start_seconds": round(times.all_trials * workers / trials, 4),
    }


@click.command()
@click.option(
    "--trials",
    "counts",
    type=int,
    multiple=True,
    help="Number of trials; may be repeated.  [default: 16, 100]",
)
@click.option("--contestant", "contestants", multiple=True, type=click.Choice(CONTESTANTS))
@click.option("--workers", type=int, default=2, show_default=True)
@click.option("--max-epochs", type=int, default=9, show_default=True)
@click.option(
    "--profile", is_flag=True, help="Write a profile by cProfile to <contestant>-<trials>.prof."
)
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    default=STEM,
    help="Output path without extension.",
)
def main(
    counts: tuple[int, ...],
    contestants: tuple[str, ...],
    workers: int,
    max_epochs: int,
    profile: bool,
    output: Path,
) -> None:
    """Measure the cost of a trial apart from training."""
    options = SearchOptions.for_space(
        load_space(SPACE), dataset="digits", max_concurrent=workers, max_epochs=max_epochs
    )
    with connected(
        None, all_cores=starts_here(None) and options.fills_machine(gpu=torch.cuda.is_available())
    ):
        chosen = contestants or CONTESTANTS
        frame = measure(counts or (16, 100), chosen, options, profile)
    show_and_write(frame, output, "Orchestration cost of a trial that trains nothing")


if __name__ == "__main__":
    run(main)
