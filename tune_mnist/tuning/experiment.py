"""One search from start to end: data, Ray, trials, final evaluation and results folder."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import ray
import torch
from numpy.typing import NDArray
from rich.console import Console

from tune_mnist.console import print_facts, print_line
from tune_mnist.data import Dataset, DataSplit
from tune_mnist.durations import Stopwatch
from tune_mnist.files import means_no_room
from tune_mnist.models import get_architecture
from tune_mnist.notices import notice
from tune_mnist.results import taken
from tune_mnist.stop_signals import stop_signals
from tune_mnist.tuning.cluster.connection import (
    Resources,
    connected,
    describe_dashboard,
    prepare_environment,
    starts_here,
)
from tune_mnist.tuning.cluster.head_watch import head_watched
from tune_mnist.tuning.cluster.node_packages import check_packages
from tune_mnist.tuning.cluster.node_tasks import Node
from tune_mnist.tuning.cluster.shared_storage import check_shared
from tune_mnist.tuning.final.final_evaluation import FinalEvaluation
from tune_mnist.tuning.final.final_progress import stamped_lines
from tune_mnist.tuning.final.full_validation import full_validation
from tune_mnist.tuning.final.guessing import skipping_level
from tune_mnist.tuning.options.search_options import SearchOptions
from tune_mnist.tuning.planning import resources
from tune_mnist.tuning.planning.expected_time import announce_time
from tune_mnist.tuning.planning.search_context import SearchContext
from tune_mnist.tuning.planning.speeds import Speeds, measuring_here
from tune_mnist.tuning.preparation import Preparation, prepare_search
from tune_mnist.tuning.recording.trial_record import TrialRecord
from tune_mnist.tuning.results_folder.experiment_file import (
    EXPERIMENT_FILE,
    Experiment,
    write_experiment,
)
from tune_mnist.tuning.results_folder.lock import claimed
from tune_mnist.tuning.results_folder.resuming import all_trials_done, changed_networks
from tune_mnist.tuning.running.finished_search import finished_outcome
from tune_mnist.tuning.running.interruption import Stopping
from tune_mnist.tuning.running.run_trials import run_trials
from tune_mnist.tuning.running.search_components import build_components
from tune_mnist.tuning.running.stop_reason import ENDED, Outcome, StopReason
from tune_mnist.tuning.running.stopper import SearchStopper
from tune_mnist.tuning.search_facts import describe_search, scaling_remark
from tune_mnist.tuning.searching.searcher import StudySearch
from tune_mnist.tuning.spaces.space import SearchSpace
from tune_mnist.tuning.storage.bucket import StorageError
from tune_mnist.tuning.time_budget import TimeBudget, measure
from tune_mnist.tuning.watching.watchers import watchers


def run_experiment(
    space: SearchSpace,
    options: SearchOptions,
    directory: Path,
    console: Console,
    command: str,
    earlier: Experiment | None,
    dataset: Dataset | None,
    fixed: frozenset[str],
    watch: Stopwatch,
    before_final: Callable[[], object],
) -> Outcome:
    """Run or resume a search, and write its results to a folder.

    Args:
        space: Search space.
        options: Options of the search.
        directory: Results folder. For a new search, it must be empty or not exist. Nothing is
            written to it before all inputs have been checked.
        console: Console that shows the settings and the progress of the search.
        command: Command line of the user, which is stored in the results folder.
        earlier: Stored setup of the search to resume, or None for a new search.
        dataset: Data set. If None, the data set specified by the options is loaded.
        fixed: Names of the options that the user has given. They keep their values if the search
            is planned for a time budget.
        watch: Stopwatch started with the command.
        before_final: Function to call before the final evaluation.

    Raises:
        UserError: An input is invalid, or the resources do not suffice. Nothing has been written,
            except for MLflow's tables in a new database.
    """
    budget = TimeBudget(options.budget) if options.budget else None
    if dataset is None:
        notice(f"loading {options.data_dir or options.dataset}")
    search = prepare_search(space, options, directory, earlier, dataset)
    for line in changed_networks(space, earlier) if earlier else ():
        print_line(console, line)
    all_cores = starts_here(options.address) and options.fills_machine(
        gpu=torch.cuda.is_available()
    )
    prepare_environment(options.address, all_cores=all_cores, with_dashboard=options.dashboard)
    notice(f"{'starting' if starts_here(options.address) else 'connecting to'} Ray")
    with (
        _measuring(search, all_cores) as measured,
        connected(
            options.address, all_cores=all_cores, with_dashboard=options.dashboard
        ) as cluster,
        _watched(cluster, directory, console) as stopping,
    ):
        if cluster.head is not None:
            check_packages()
        nodes = check_shared(directory, options.storage_path)
        workers = resources.place(options, cluster)
        found = nodes if cluster.head is not None else None
        context = _context(search, cluster, workers, found, watch)
        if budget is not None and earlier is None:
            notice("measuring the speed of a worker, to plan the search")
            options, speeds = budget.plan(context, fixed, search.dataset)
            search = prepare_search(space, options, directory, None, search.dataset)
            context = _context(search, cluster, workers, found, watch)

            def measured() -> Speeds:
                return speeds

        level = skipping_level(context.guessing_level, fixed)
        final = FinalEvaluation(context, search.dataset, search.joined, level)
        if earlier is not None:
            stored = earlier.stored_options(directory, space)
            finished = finished_outcome(final, stored, whole_val=search.whole_val is not None)
            if finished is not None:
                if finished.stop_reason is StopReason.FINISHED:
                    print_line(console, all_trials_done(context.options))
                return finished
        directory.mkdir(parents=True, exist_ok=True)
        with (
            claimed(directory),
            stop_signals.before_forced_end(stopping.tidy_up),
            stop_signals.acknowledged(stopping.acknowledge),
        ):
            if earlier is None and (directory / EXPERIMENT_FILE).exists():
                raise taken(directory)  # another search ran between the check and the claim
            facts = describe_search(search, workers, cluster)
            places = {"results": str(directory), "dashboard": describe_dashboard(cluster)}
            print_facts(console, facts | scaling_remark(search) | places)
            write_experiment(
                directory,
                space,
                search.options,
                search.dataset,
                facts,
                command,
                earlier,
                search.checkpoints,
            )
            measured = measured or partial(measure, context)
            records, stop_reason, detail = _search(
                context, search.data, console, measured, final, budget
            )
            if not stop_reason.in_order:
                return Outcome(stop_reason, detail)
            before_final()
            return _evaluate(context, final, records, search.whole_val, stop_reason, console)


@contextmanager
def _watched(cluster: Resources, directory: Path, console: Console) -> Iterator[Stopping]:
    """Context manager that ends the search with a one-line message if Ray's head node is lost.

    Yields:
        Object that ends the search.
    """
    stopping = Stopping(cluster, directory, console)
    with stopping.head_loss_raised(), head_watched(cluster, stopping.end_without_head):
        yield stopping


def _context(
    search: Preparation,
    cluster: Resources,
    workers: resources.Workers,
    nodes: list[Node] | None,
    watch: Stopwatch,
) -> SearchContext:
    """Put the data into Ray's object store, and build the context of the search."""
    return SearchContext(
        space=search.space,
        options=search.options,
        directory=search.directory,
        shared=ray.put(search.data),
        settings=resources.trial_settings(
            search.options,
            workers,
            search.directory,
            search.checkpoints,
            search.fidelity,
            search.networks,
            search.dataset.form,
        ),
        workers=workers,
        dashboard=cluster.dashboard or "not running",
        final_images=len(search.joined),
        nodes=nodes,
        mlflow=search.mlflow,
        train_images=len(search.data.train),
        val_images=len(search.data.val),
        chance_level=search.data.chance_level,
        guessing_level=search.data.guessing_level,
        warm_start=search.warm_start,
        portfolio=search.portfolio,
        watch=watch,
    )


def _evaluate(
    context: SearchContext,
    final: FinalEvaluation,
    records: list[TrialRecord],
    val: NDArray[np.int64] | None,
    stop_reason: StopReason,
    console: Console,
) -> Outcome:
    """Validate the best models on the whole validation split, and run the final evaluation.

    The validation is left out if ``val`` is None, because trials were validated on all of it.
    """
    try:
        if val is not None:
            full_validation(context, val, stamped_lines(console, context.watch))
        failed = final.run(records, console, context.watch)
        return Outcome(stop_reason, failed_final_runs=tuple(failed))
    except KeyboardInterrupt:
        cut_off = Outcome(StopReason.INTERRUPTED)
    except StorageError as error:
        cut_off = Outcome(StopReason.STORAGE_LOST, str(error))
    except OSError as error:
        if not means_no_room(error):
            raise
        cut_off = Outcome(StopReason.DISK_FULL, f"{context.directory}: {error.strerror}")
    return replace(cut_off, final_runs=final.count_runs(records))


def _measuring(
    search: Preparation, all_cores: bool
) -> AbstractContextManager[Callable[[], Speeds] | None]:
    """Context manager that measures the training speed in this process while Ray starts.

    This is done only if all networks are light. A measurement in a Ray task would delay the first
    trial, because Ray does not reuse a task's worker process for an actor. Large networks are
    nevertheless measured in a task: ResNet reached less than half of its speed in this process
    while Ray was starting.
    """
    space, options = search.space, search.options
    light = all(get_architecture(model).light for model in space.models)
    if not all_cores or not light or options.budget:
        return nullcontext()
    threads = resources.threads(options.cpus_per_trial)
    return measuring_here(
        space.typical_networks, search.data, options.image_size, threads, options.precision
    )


def _search(
    context: SearchContext,
    data: DataSplit,
    console: Console,
    measured: Callable[[], Speeds],
    final: FinalEvaluation,
    budget: TimeBudget | None,
) -> tuple[list[TrialRecord], StopReason, str]:
    """Create or restore the study, and run the remaining trials."""
    components = build_components(context)
    searcher = components.searcher
    ended = [record.number for record in searcher.trial_store.records if record.state.ended]
    context.settings.drop_checkpoints(ended)
    components.recorder.write()
    left = components.trials_left()
    begun = len(searcher.trial_store.records)
    if begun and left > 0:
        print_line(
            console,
            f"resumed: {len(ended)} of {context.options.num_samples} trials have ended,"
            f" {begun - len(ended)} continue",
        )

    def time_is_up() -> bool:
        return budget is not None and budget.needs_rest(final, searcher.trial_store.records)

    stopper = SearchStopper(context, searcher, time_is_up)
    if left <= 0 or stopper.stop_all():
        for watcher in watchers(context, searcher.trial_store, console):
            watcher.on_experiment_end([])  # the earlier driver may have been killed before this
        done = StopReason.EXHAUSTED if components.is_exhausted() else StopReason.FINISHED
        if done is StopReason.FINISHED and stopper.stop_reason is None:
            print_line(console, all_trials_done(context.options))
        return _ended(searcher, stopper.stop_reason or done)
    try:
        seconds = announce_time(
            console,
            context,
            data,
            left,
            measured,
            None if budget is None else lambda: budget.left,
            components.count_portfolio(left=True),
            components.trained_epochs(),
        )
    except KeyboardInterrupt:
        return _ended(searcher, StopReason.INTERRUPTED)
    notice(f"starting workers: {min(context.workers.concurrent, left)}")
    context.settings.store.start()
    # Of an earlier session. If this one is killed, the search has not ended.
    searcher.study.set_user_attr(ENDED, "")
    searcher.left = left
    return _ended(
        searcher, *run_trials(context, components, console, stopper=stopper, seconds=seconds)
    )


def _ended(
    searcher: StudySearch, stop_reason: StopReason, detail: str = ""
) -> tuple[list[TrialRecord], StopReason, str]:
    """Store the reason for the end in the study, unless the disk is full."""
    if stop_reason is not StopReason.DISK_FULL:
        searcher.study.set_user_attr(ENDED, stop_reason.value)
    return searcher.trial_store.records, stop_reason, detail
