"""One search from start to end: data, Ray, the tuner, and what it leaves in its folder."""

import errno
import os
import signal
import time
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

import pandas as pd
import ray
from ray import tune
from ray.tune import Callback
from ray.tune.error import TuneError
from ray.tune.logger import JsonLoggerCallback
from ray.tune.schedulers import TrialScheduler
from rich.console import Console

from tune_mnist.data import Dataset, DataSplit, joined_part, load_dataset, split_dataset
from tune_mnist.errors import UserError
from tune_mnist.files import means_no_room
from tune_mnist.results import require_new
from tune_mnist.tuning import plan
from tune_mnist.tuning.cluster import connect, disconnect
from tune_mnist.tuning.disk_budget import DiskBudget
from tune_mnist.tuning.final_evaluation import FinalEvaluation
from tune_mnist.tuning.final_plan import describe_plan, final_fraction
from tune_mnist.tuning.final_runs import read_final_runs
from tune_mnist.tuning.finalists import judge_best
from tune_mnist.tuning.ledger import begun_trials
from tune_mnist.tuning.options import SearchOptions
from tune_mnist.tuning.progress import Outline, create_progress
from tune_mnist.tuning.recorder import TRIALS_FILE, BestModels, Recorder
from tune_mnist.tuning.records import TrialRecord, TrialState, to_frame
from tune_mnist.tuning.reports import NUMBER
from tune_mnist.tuning.results_folder import Experiment, claimed, fingerprint, write_experiment
from tune_mnist.tuning.samplers import create_sampler
from tune_mnist.tuning.scheduler import RESUMABLE
from tune_mnist.tuning.scheduling import scheduler_for
from tune_mnist.tuning.searcher import StudySearch
from tune_mnist.tuning.space import SearchSpace
from tune_mnist.tuning.stopper import DiskFullStopper
from tune_mnist.tuning.study import JOURNAL, load_study, open_storage
from tune_mnist.tuning.trainable import TrialSettings, train_trial
from tune_mnist.tuning.warm_start import find_usable, is_prepared, prepare


class Ending(Enum):
    """What ended a search."""

    FINISHED = "all trials have ended"
    OUT_OF_TIME = "the time budget is used up"
    INTERRUPTED = "interrupted"
    DISK_FULL = "stopped, the disk is full"


@dataclass(frozen=True)
class Outcome:
    """What a search found.

    Attributes:
        trials: one row a trial, as in ``trials.csv``.
        full_val_accuracy: by architecture, the best model's accuracy on the whole validation
            part; empty if the trials were judged by all of it, or the search was interrupted.
        facts: what was done on what, for the tables.
        directions: by objective, ``max`` or ``min``.
        ending: what ended it.
        detail: more about the ending, or empty.
        failed_final_runs: a line for each run of the final evaluation that came to nothing.
    """

    trials: pd.DataFrame
    full_val_accuracy: dict[str, float]
    facts: dict[str, str]
    directions: dict[str, str]
    ending: Ending
    detail: str = ""
    failed_final_runs: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Setup:
    """All that the tuner needs, decided and checked."""

    space: SearchSpace
    options: SearchOptions
    directory: Path
    shared: "ray.ObjectRef[DataSplit]"
    settings: TrialSettings
    workers: plan.Workers
    dashboard: str
    final_images: int


def run_search(
    space: SearchSpace,
    options: SearchOptions,
    directory: Path,
    console: Console,
    command: str,
    earlier: Experiment | None = None,
) -> Outcome:
    """Run a search, or go on with one, and leave its results in a folder of their own.

    Args:
        space: what to search.
        options: how.
        directory: must not exist; made once nothing can be wrong with the input any more.
        console: where the user is told what will happen and what happens.
        command: what the user has typed, for the record.
        earlier: how the search in the folder was set up, to go on with it; None: a new one.

    Raises:
        UserError: the input or the resources do not allow it; nothing has been written.
    """
    dataset = load_dataset(options.dataset, options.data_dir)
    if earlier is None:
        require_new(directory)
        if options.warm_start is not None:
            find_usable(space, options.warm_start)
    else:
        _check_resumable(directory, options, dataset, earlier)
    data = split_dataset(dataset, options.fraction, options.val_fraction)
    everything = split_dataset(dataset)
    joined = joined_part(everything, final_fraction(options))
    resources = connect(options.address)
    try:
        workers = plan.place(options, resources)
        final_runs = describe_plan(options, len(joined), len(dataset.test_labels))
        facts = plan.facts(space, options, data, everything, workers, resources, final_runs)
        setup = _Setup(
            space=space,
            options=options,
            directory=directory,
            shared=ray.put(data),
            settings=plan.trial_settings(options, workers, directory),
            workers=workers,
            dashboard=resources.dashboard or "not running",
            final_images=len(joined),
        )
        directory.mkdir(parents=True, exist_ok=earlier is not None)
        with claimed(directory):
            plan.announce(console, facts, directory, setup.dashboard)
            experiment = write_experiment(
                directory, space, options, dataset, facts, command, earlier
            )
            records, ending, detail = _search(setup, data, console)
            full: dict[str, float] = {}
            failed: list[str] = []
            if ending in (Ending.FINISHED, Ending.OUT_OF_TIME):
                final = FinalEvaluation(
                    directory, dataset, setup.shared, joined, options, setup.settings, workers
                )
                try:
                    if len(data.val) < len(everything.val):
                        full = judge_best(
                            directory / "best",
                            setup.shared,
                            everything.val,
                            setup.settings,
                            workers,
                            console,
                        )
                    failed = final.run(records, console)
                except KeyboardInterrupt:
                    ending = Ending.INTERRUPTED
                except OSError as error:
                    if not means_no_room(error):
                        raise
                    ending, detail = Ending.DISK_FULL, f"{directory}: {error.strerror}"
        facts["commands"] = "; then ".join(f"`{line}`" for line in experiment.commands)
        return Outcome(
            to_frame(records), full, facts, options.directions, ending, detail, tuple(failed)
        )
    finally:
        disconnect()


def _check_resumable(
    directory: Path, options: SearchOptions, dataset: Dataset, earlier: Experiment
) -> None:
    """See that what an earlier run has left can be gone on with."""
    if options.scheduling.name not in RESUMABLE:
        raise UserError(
            f"--resume {directory}: scheduler {options.scheduling.name} cannot be brought back to"
            f" where it was; those that can are {', '.join(RESUMABLE)}"
        )
    if fingerprint(dataset) != earlier.data_sha256:
        raise UserError(
            f"--resume {directory}: the search was begun on other images or labels than these of"
            f" {options.data_dir or options.dataset}"
        )
    if (directory / JOURNAL).exists():
        begun = begun_trials(load_study(directory))
        before = earlier.options["num_samples"]
        if options.scheduling.name == "pbt" and options.num_samples != before:
            raise UserError(
                f"--num-samples {options.num_samples}: the population of --scheduler pbt was begun"
                f" with {before}, and cannot change: leave the option out"
            )
        if len(begun) > options.num_samples:
            raise UserError(
                f"--num-samples {options.num_samples}: {len(begun)} trials have been begun"
                " already: give at least that many"
            )
    read_final_runs(directory)  # a damaged one is told of before there is any work to lose


def _search(
    setup: _Setup, data: DataSplit, console: Console
) -> tuple[list[TrialRecord], Ending, str]:
    """Bring the study back to where it was, or begin it, and run the trials that are to come."""
    options, space = setup.options, setup.space
    searcher = StudySearch(
        space,
        open_storage(setup.directory),
        create_sampler(options.searcher, space, options.num_samples, options.seed),
        options.directions,
        options.max_epochs,
        setup.workers.concurrent,
    )
    if not is_prepared(searcher.study):
        # A grid numbers its combinations as the study its trials: nothing else may be queued.
        queued = 0 if options.searcher == "grid" else options.num_samples
        prepare(searcher.study, space, queued, options.warm_start)
    scheduler = scheduler_for(searcher, space, options, setup.settings, setup.workers.concurrent)
    recorder = Recorder(setup.directory / TRIALS_FILE, searcher.ledger)
    ended = 0
    for record in searcher.ledger.records:
        if record.state.ended:
            ended += 1
            setup.settings.checkpoints_of(record.number).remove()
    recorder.write()
    left = options.num_samples - ended
    if left <= 0:
        return searcher.ledger.records, Ending.FINISHED, ""
    try:
        plan.announce_time(
            console,
            space,
            options,
            left,
            data,
            setup.shared,
            setup.settings,
            setup.workers,
            setup.final_images,
        )
    except KeyboardInterrupt:
        return searcher.ledger.records, Ending.INTERRUPTED, ""
    setup.settings.writer.start()
    ending, detail = _tune(setup, searcher, scheduler, recorder, left, console)
    return searcher.ledger.records, ending, detail


def _tune(
    setup: _Setup,
    searcher: StudySearch,
    scheduler: TrialScheduler,
    recorder: Recorder,
    left: int,
    console: Console,
) -> tuple[Ending, str]:
    """Run the trials; tell what ended them."""
    options, settings = setup.options, setup.settings
    progress = create_progress(
        console,
        Outline(
            setup.directory.name,
            options.num_samples,
            options.max_epochs,
            options.time_budget,
            setup.dashboard,
        ),
        searcher.ledger,
    )
    best = BestModels(
        setup.directory / "best",
        lambda config: settings.train_config(config).model_dump(),
        settings.checkpoints_of,
    )
    callbacks: list[Callback] = [recorder, best, JsonLoggerCallback(), progress]
    if options.scheduling.name != "pbt":  # its trials cannot begin anew: they have ancestors
        callbacks.append(
            DiskBudget(
                settings.checkpoints,
                settings.checkpoints_of,
                searcher.ledger,
                setup.workers.concurrent,
            )
        )
    stopper = DiskFullStopper()
    trainable = tune.with_resources(
        tune.with_parameters(train_trial, data=setup.shared, settings=settings),
        {"cpu": setup.workers.cpus, "gpu": setup.workers.gpus},
    )
    tuner = tune.Tuner(
        trainable,
        tune_config=tune.TuneConfig(
            search_alg=searcher,
            scheduler=scheduler,
            # Ray gives up the worker of a trial that pauses once it knows that no new trial comes.
            num_samples=-1 if options.scheduling.name == "pbt" else left,
            time_budget_s=options.time_budget,
            reuse_actors=True,
            trial_dirname_creator=lambda trial: f"{trial.config[NUMBER]:05d}-{trial.trial_id}",
        ),
        run_config=tune.RunConfig(
            name="ray",
            storage_path=str(setup.directory.absolute()),
            callbacks=callbacks,
            failure_config=tune.FailureConfig(max_failures=options.max_failures),
            stop=stopper,
            verbose=0,
        ),
    )
    start = time.monotonic()
    ctrl_c = signal.getsignal(signal.SIGINT)
    try:
        tuner.fit()
    except (OSError, TuneError) as error:
        # Tune wraps what is raised while it tells searcher and callbacks of a result.
        if not means_no_room(error):
            raise
        stopper.reason = f"{setup.directory}: {os.strerror(errno.ENOSPC)}"
    finally:
        # Tune leaves a handler behind that would swallow the next Ctrl-C.
        signal.signal(signal.SIGINT, ctrl_c)
        progress.close()
        recorder.finish()
    if stopper.reason:
        return Ending.DISK_FULL, stopper.reason
    recorder.write()
    return _ending(searcher, options, time.monotonic() - start), ""


def _ending(searcher: StudySearch, options: SearchOptions, seconds: float) -> Ending:
    ended = [
        record
        for record in searcher.ledger.records
        if record.state.ended and record.state is not TrialState.INTERRUPTED
    ]
    if len(ended) >= options.num_samples:
        return Ending.FINISHED
    if options.time_budget and seconds >= options.time_budget:
        return Ending.OUT_OF_TIME
    return Ending.INTERRUPTED
