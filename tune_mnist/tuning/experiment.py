"""One search from start to end: data, Ray, the trials, and what it leaves in its folder."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from pathlib import Path

import numpy as np
import ray
from numpy.typing import NDArray
from rich.console import Console

from tune_mnist.data import Dataset, DataSplit
from tune_mnist.files import means_no_room
from tune_mnist.models import get_architecture
from tune_mnist.results import taken
from tune_mnist.safe_paths import path_in
from tune_mnist.stop_signals import stop_signals
from tune_mnist.tuning.cluster.connection import (
    Resources,
    connected,
    describe_dashboard,
    prepare,
    starts_here,
)
from tune_mnist.tuning.cluster.each_node import Node
from tune_mnist.tuning.cluster.head_watch import head_watched
from tune_mnist.tuning.cluster.node_packages import check_packages
from tune_mnist.tuning.cluster.shared_storage import check_shared
from tune_mnist.tuning.ending import ENDED, Ending, Outcome
from tune_mnist.tuning.engine import build_engine
from tune_mnist.tuning.expected_time import announce_time
from tune_mnist.tuning.final.evaluation import FinalEvaluation
from tune_mnist.tuning.final.finalists import judge_best
from tune_mnist.tuning.options import SearchOptions
from tune_mnist.tuning.planning import plan
from tune_mnist.tuning.planning.speeds import (
    Speeds,
    measure_on_workers,
    measuring_here,
)
from tune_mnist.tuning.preparation import Preparation, prepare_search
from tune_mnist.tuning.recording.records import TrialRecord
from tune_mnist.tuning.results_folder.experiment_file import (
    EXPERIMENT_FILE,
    Experiment,
    write_experiment,
)
from tune_mnist.tuning.results_folder.lock import claimed
from tune_mnist.tuning.results_folder.resuming import changed_networks
from tune_mnist.tuning.running.run_trials import run_trials
from tune_mnist.tuning.running.stopper import SearchStopper
from tune_mnist.tuning.running.stopping import Stopping
from tune_mnist.tuning.searching.searcher import StudySearch
from tune_mnist.tuning.setup import Setup
from tune_mnist.tuning.spaces.space import SearchSpace
from tune_mnist.tuning.storage.bucket import StorageError
from tune_mnist.tuning.watching.watchers import watchers


def run_experiment(
    space: SearchSpace,
    options: SearchOptions,
    directory: Path,
    console: Console,
    command: str,
    earlier: Experiment | None = None,
    dataset: Dataset | None = None,
) -> Outcome:
    """Run a search, or go on with one, and leave its results in a folder of their own.

    Args:
        space: what to search.
        options: how.
        directory: must not exist, or be empty; filled once nothing can be wrong with the input.
        console: where the user is told what will happen and what happens.
        command: what the user has typed, for the record.
        earlier: how the search in the folder was set up, to go on with it; None: a new one.
        dataset: Images to search on; None: those that the options name.

    Raises:
        UserError: the input or the resources do not allow it; nothing has been written, but for
            the tables that MLflow makes in a database which has none yet.
    """
    search = prepare_search(space, options, directory, earlier, dataset)
    options, data = search.options, search.data
    for line in changed_networks(space, earlier) if earlier else ():
        console.print(line, markup=False, soft_wrap=True)
    all_cores = starts_here(options.address) and plan.fills_machine(options)
    prepare(options.address, all_cores=all_cores)
    with (
        _measuring(space, options, data, all_cores) as measured,
        connected(options.address, all_cores=all_cores) as resources,
    ):
        if resources.head is not None:
            check_packages()
        nodes = check_shared(directory, options.storage_path)
        workers = plan.place(options, resources)
        setup = _setup(search, resources, workers, nodes if resources.head is not None else None)
        directory.mkdir(parents=True, exist_ok=True)
        stopping = Stopping(resources, directory, console)
        with (
            claimed(directory),
            stop_signals.before_forced_end(stopping.tidy_up),
            stopping.head_loss_raised(),
            head_watched(resources, stopping.end_without_head),
        ):
            if earlier is None and (directory / EXPERIMENT_FILE).exists():
                raise taken(directory)  # by a search that began and ended since
            facts = search.facts(workers, resources)
            plan.announce(console, facts, directory, describe_dashboard(resources))
            write_experiment(
                directory,
                space,
                options,
                search.dataset,
                facts,
                command,
                earlier,
                search.checkpoints,
            )
            records, ending, detail = _search(setup, data, console, measured)
            if not ending.in_order:
                return Outcome(ending, detail)
            final = _final_evaluation(setup, search)
            return _judge(setup, final, records, search.whole_val, ending, console)


def _setup(
    search: Preparation, resources: Resources, workers: plan.Workers, nodes: list[Node] | None
) -> Setup:
    """Put the data into the object store, and together all that the trials need."""
    return Setup(
        space=search.space,
        options=search.options,
        directory=search.directory,
        shared=ray.put(search.data),
        settings=plan.trial_settings(
            search.options,
            workers,
            search.directory,
            search.checkpoints,
            search.fidelity,
            search.networks,
            search.dataset.form,
        ),
        workers=workers,
        dashboard=resources.dashboard or "not running",
        final_images=len(search.joined),
        nodes=nodes,
        mlflow=search.mlflow,
        val_images=len(search.data.val),
        chance_level=search.data.chance_level,
    )


def _final_evaluation(setup: Setup, search: Preparation) -> FinalEvaluation:
    return FinalEvaluation(
        setup.directory,
        search.dataset,
        setup.shared,
        search.joined,
        setup.options,
        setup.settings,
        setup.workers,
    )


def _judge(
    setup: Setup,
    final: FinalEvaluation,
    records: list[TrialRecord],
    val: NDArray[np.int64] | None,
    ending: Ending,
    console: Console,
) -> Outcome:
    """Judge the best models by all validation images (None: they were), then by the test set."""
    try:
        if val is not None:
            best = path_in(setup.directory, "best")
            judge_best(best, setup.shared, val, setup.settings, setup.workers, console)
        return Outcome(ending, failed_final_runs=tuple(final.run(records, console)))
    except KeyboardInterrupt:
        return Outcome(Ending.INTERRUPTED)
    except StorageError as error:
        return Outcome(Ending.STORAGE_LOST, str(error))
    except OSError as error:
        if not means_no_room(error):
            raise
        return Outcome(Ending.DISK_FULL, f"{setup.directory}: {error.strerror}")


def _measuring(
    space: SearchSpace, options: SearchOptions, data: DataSplit, all_cores: bool
) -> AbstractContextManager[Callable[[], Speeds] | None]:
    """Measure in this process how fast a worker is going to be, while Ray starts.

    Ray mostly waits for its processes then. And a task would take one of those that it keeps ready
    for the trials: what has run a task can hold no actor any more. Large networks are left to a
    worker, whose core nobody else uses, and whose memory is not the driver's: ResNet, measured
    beside other work, came out at less than half of its speed.
    """
    light = all(get_architecture(model).light for model in space.models)
    if not all_cores or not light:
        return nullcontext()
    threads = plan.threads(options.cpus_per_trial)
    return measuring_here(
        space.typical_networks, data, options.image_size, threads, options.precision
    )


def _search(
    setup: Setup,
    data: DataSplit,
    console: Console,
    measured: Callable[[], Speeds] | None,
) -> tuple[list[TrialRecord], Ending, str]:
    """Bring the study back to where it was, or begin it, and run the trials that are to come."""
    engine = build_engine(setup)
    searcher = engine.searcher
    ended = [record.number for record in searcher.ledger.records if record.state.ended]
    setup.settings.drop_checkpoints(ended)
    engine.recorder.write()
    left = setup.options.num_samples - len(ended)
    stopper = SearchStopper.of(setup, searcher)
    if left <= 0 or stopper.stop_all():
        for watcher in watchers(setup, searcher.ledger, console):
            watcher.on_experiment_end([])  # reports what a driver that was killed could not
        return _ended(searcher, stopper.ending or Ending.FINISHED)
    try:
        announce_time(console, setup, data, left, measured or partial(_measure, setup))
    except KeyboardInterrupt:
        return _ended(searcher, Ending.INTERRUPTED)
    setup.settings.store.start()
    searcher.left = left
    return _ended(searcher, *run_trials(setup, engine, console, stopper=stopper))


def _ended(
    searcher: StudySearch, ending: Ending, detail: str = ""
) -> tuple[list[TrialRecord], Ending, str]:
    """Note in the study why the search ended, where there is room for it."""
    if ending is not Ending.DISK_FULL:
        searcher.study.set_user_attr(ENDED, ending.value)
    return searcher.ledger.records, ending, detail


def _measure(setup: Setup) -> Speeds:
    workers = setup.workers
    return measure_on_workers(
        setup.space.typical_networks, setup.shared, setup.settings, workers.cpus, workers.gpus
    )
