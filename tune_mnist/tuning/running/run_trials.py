"""Run of a search's trials with Ray Tune's ``Tuner``."""

import errno
import os
from collections.abc import Callable

from ray import tune
from ray.tune import Callback
from ray.tune.error import TuneError
from ray.tune.logger import JsonLoggerCallback
from rich.console import Console

from tune_mnist.files import means_no_room
from tune_mnist.safe_paths import path_in
from tune_mnist.stop_signals import stop_signals
from tune_mnist.tuning.options.search_options import SearchOptions
from tune_mnist.tuning.planning.estimate import expected_epochs
from tune_mnist.tuning.planning.search_context import SearchContext
from tune_mnist.tuning.ray_internals.controller import (
    SilentProgress,
    memory_kills_survived,
    no_callbacks_counted,
    steady_controller,
)
from tune_mnist.tuning.recording.callbacks import BestModels
from tune_mnist.tuning.recording.trial_record import RAY_FOLDER
from tune_mnist.tuning.running.disk_budget import DiskBudget
from tune_mnist.tuning.running.elastic import ClusterFollower
from tune_mnist.tuning.running.interruption import StopOnSignal
from tune_mnist.tuning.running.lost_trials import LostTrials
from tune_mnist.tuning.running.search_components import SearchComponents
from tune_mnist.tuning.running.stop_reason import StopReason
from tune_mnist.tuning.running.stopper import SearchStopper
from tune_mnist.tuning.spaces.stages import epoch_costs
from tune_mnist.tuning.storage.bucket import StorageError, storage_error_in
from tune_mnist.tuning.storage.candidate_models import CandidateModels
from tune_mnist.tuning.storage.shared_folder import SharedFolder
from tune_mnist.tuning.trials.reports import NUMBER
from tune_mnist.tuning.trials.trainable import train_trial, trial_name
from tune_mnist.tuning.watching.progress import Outline, create_progress
from tune_mnist.tuning.watching.watchers import watchers


def run_trials(
    context: SearchContext,
    components: SearchComponents,
    console: Console,
    trainable: Callable[..., None] = train_trial,
    stopper: SearchStopper | None = None,
    seconds: float | None = None,
) -> tuple[StopReason, str]:
    """Run the trials that a search has not completed yet.

    Args:
        context: Context of the search.
        components: Searcher, scheduler and recorder of the search.
        console: Console that shows the progress.
        trainable: Function that runs one trial, with the signature of ``train_trial``. Benchmarks
            pass a cheaper one to measure the overhead of a search.
        stopper: Stopper that ends the whole search early. If None, it is built from the options.
        seconds: Expected time limit of the trials in seconds, or None if there is no limit.

    Returns:
        Reason for the end of the search, and a message with details, which may be empty.
    """
    options, settings = context.options, context.settings
    searcher, scheduler, recorder = components.searcher, components.scheduler, components.recorder
    stopper = stopper or SearchStopper(context, searcher)
    costs = epoch_costs(settings.fidelity) if settings.fidelity else None
    progress = create_progress(
        console,
        Outline(
            context.directory.name,
            options.num_samples,
            options.max_epochs,
            expected_epochs(
                options.num_samples,
                options.scheduling_for(context.space),
                costs,
                components.count_portfolio(),
            ),
            seconds,
            context.dashboard,
            costs,
            context.chance_level,
        ),
        searcher.trial_store,
        context.watch,
    )
    best = BestModels(
        path_in(context.directory, "best"),
        lambda config: settings.noted(settings.train_config(config)),
        settings.checkpoints_of,
        CandidateModels(context.directory, context.candidate_limits)
        if options.final_seeds
        else None,
    )
    callbacks: list[Callback] = [recorder, best, JsonLoggerCallback(), progress]
    callbacks += [LostTrials(searcher, stopper.ends), SilentProgress(), StopOnSignal()]
    callbacks += watchers(context, searcher.trial_store, console)
    # After an exploit, a trial cannot be trained again from its start. Buckets have no limit.
    if not scheduler.exploits and isinstance(settings.store, SharedFolder):
        folders = settings.store
        callbacks.append(
            DiskBudget(lambda number: folders.of(trial_name(number)), searcher.trial_store)
        )
    if context.nodes is not None:
        callbacks.append(ClusterFollower(context, scheduler.set_concurrency, progress.tell))
    placed = tune.with_resources(
        tune.with_parameters(trainable, data=context.shared, settings=settings),
        {"cpu": context.workers.cpus, "gpu": context.workers.gpus},
    )
    tuner = tune.Tuner(
        placed,
        tune_config=tune.TuneConfig(
            search_alg=searcher,
            scheduler=scheduler,
            num_samples=-1,  # the searcher ends the search; idle workers are kept until then
            reuse_actors=True,
            trial_dirname_creator=lambda trial: f"{trial.config[NUMBER]:05d}-{trial.trial_id}",
        ),
        run_config=tune.RunConfig(
            name=RAY_FOLDER,
            storage_path=str(context.directory.absolute()),
            callbacks=callbacks,
            failure_config=tune.FailureConfig(max_failures=options.max_failures),
            stop=stopper,
            verbose=0,
            # The reporter that Ray 2.60 chooses in a notebook clears the output of the cell.
            progress_reporter=tune.CLIReporter(),
        ),
    )
    stopper.start_time_budget()
    try:
        with (
            steady_controller(one_node=context.nodes is None),
            memory_kills_survived(),
            no_callbacks_counted(),
            stop_signals.kept(),  # Tune leaves a handler behind that ignores the next Ctrl-C
        ):
            tuner.fit()
    except (OSError, TuneError, StorageError) as error:
        # Tune wraps errors that searcher and callbacks raise while they process a result.
        lost = storage_error_in(error)
        if lost is not None:
            stopper.reason, stopper.stop_reason = str(lost), StopReason.STORAGE_LOST
        elif means_no_room(error):
            stopper.reason = f"{context.directory}: {os.strerror(errno.ENOSPC)}"
            stopper.stop_reason = StopReason.DISK_FULL
        else:
            raise
    finally:
        progress.close()
        recorder.finish()
    if stopper.stop_reason is not None and stopper.reason:
        return stopper.stop_reason, stopper.reason
    recorder.write()
    if stopper.stop_reason not in (None, StopReason.OUT_OF_TIME):
        return stopper.stop_reason, ""
    # The last trial may end when the time does. Then there is nothing to resume.
    return _stop_reason(components, options, stopper.stop_reason or StopReason.INTERRUPTED), ""


def _stop_reason(
    components: SearchComponents, options: SearchOptions, unfinished: StopReason
) -> StopReason:
    """Return why a search ended: no trial is left, or the reason of an unfinished search."""
    if components.is_exhausted():
        return StopReason.EXHAUSTED
    if components.count_ended() >= options.num_samples:
        return StopReason.FINISHED
    return unfinished
