"""Checks and messages for resuming a search."""

import shlex
from pathlib import Path
from typing import Any

from tune_mnist.data import Dataset
from tune_mnist.data.recognition import checksum
from tune_mnist.errors import NOTHING_TO_RESUME, UserError
from tune_mnist.models.user_modules import repeated_flags, source_digests
from tune_mnist.quoting import MAX_QUOTED, shortened
from tune_mnist.tuning.final.runs import read_final_runs
from tune_mnist.tuning.options.search_options import SearchOptions
from tune_mnist.tuning.recording.callbacks import TRIALS_FILE
from tune_mnist.tuning.recording.study import JOURNAL, load_study
from tune_mnist.tuning.recording.study_check import check_belongs
from tune_mnist.tuning.recording.trial_store import begun_trials
from tune_mnist.tuning.results_folder.experiment_file import (
    EXPERIMENT_FILE,
    Experiment,
    read_experiment,
)
from tune_mnist.tuning.results_folder.trust import only_stored
from tune_mnist.tuning.schedulers.registry import (
    scheduler_class,
    scheduler_names,
    schedulers_with,
)
from tune_mnist.tuning.spaces.space import SearchSpace
from tune_mnist.tuning.storage.storage_path import checked_storage_path, checkpoints_of_search


def require_repeated(directory: Path, earlier: Experiment, given: dict[str, Any]) -> None:
    """Check that the user has confirmed the external options of a folder of unknown origin.

    External options are addresses, paths and URIs that a search connects to, reads or writes. A
    folder from somebody else could make a search send data to an address of their choice, so the
    user must repeat these options in the call. The options of a folder that this user wrote on
    this machine need not be repeated.

    Args:
        directory: Results folder.
        earlier: Stored setup of the search.
        given: Options of this call. A value of None means that the option is not given.

    Raises:
        UserError: The folder is of unknown origin, and the user has neither repeated nor replaced
            a stored external option.
    """
    if earlier.is_own:
        return
    path = directory / EXPERIMENT_FILE
    if missing := only_stored(earlier.options, given):
        raise UserError(
            f"{path}: the file was not written by this user on this machine, so its addresses and"
            f" paths are not used: repeat {missing}, give other values, or accept all stored"
            " values with --trust-stored"
        )
    if earlier.options.get("storage_path") is None:
        return
    place = checkpoints_of_search(checked_storage_path(given["storage_path"]), directory.name)
    if earlier.checkpoints != place:
        raise UserError(
            f"{path}: the file was not written by this user on this machine, and its checkpoints"
            f" are in {earlier.checkpoints or 'the folder'}, not in {place}: rename the folder, or"
            " accept all stored values with --trust-stored"
        )


def check_resumable(
    directory: Path,
    space: SearchSpace,
    options: SearchOptions,
    dataset: Dataset,
    earlier: Experiment,
) -> None:
    """Check that a search can be resumed from its results folder, before anything is written.

    Args:
        directory: Results folder.
        space: Search space.
        options: Options of the resumed search.
        dataset: Data set of the resumed search.
        earlier: Stored setup of the search.

    Raises:
        UserError: The scheduler does not support resuming, or the options, data or study do not
            match the stored search.
    """
    name = options.scheduling.name
    scheduler = scheduler_class(name)
    if not options.resumable:
        raise UserError(
            f"--resume {directory}: a search with scheduler {name} cannot be resumed, only a"
            f" search with one of {schedulers_with('resumable')}"
        )
    before = earlier.options.get("storage_path")
    if options.storage_path != before:
        raise UserError(
            f"--storage-path {options.storage_path}: the checkpoints of the search are in"
            f" {before or directory} and cannot be moved: remove the option"
        )
    _check_same_data(directory, options, dataset, earlier)
    if has_study(directory):
        study = load_study(directory)
        check_belongs(study, space, options.directions, options.max_epochs, directory / JOURNAL)
        begun = begun_trials(study)
        size = earlier.stored_options(directory, space).num_samples
        if scheduler.fixed_population and options.num_samples != size:
            raise UserError(
                f"--num-samples {options.num_samples}: the population of --scheduler {name} has"
                f" {size} trials and cannot change: remove the option"
            )
        if len(begun) > options.num_samples:
            raise UserError(
                f"--num-samples must be at least {len(begun)}, the number of trials that have"
                f" started, but is {options.num_samples}"
            )
    read_final_runs(directory)  # a damaged final run is reported now, not after the trials


def _check_same_data(
    directory: Path, options: SearchOptions, dataset: Dataset, earlier: Experiment
) -> None:
    """Check that images, labels and class names are the same as at the start of the search."""
    given = options.data_dir or options.dataset
    parts = (
        ("", dataset.train_images, dataset.train_labels, earlier.data_sha256),
        ("test ", dataset.test_images, dataset.test_labels, earlier.test_sha256),
    )
    for part, images, labels, stored in parts:
        if stored is not None and checksum(images, labels) != stored:
            raise UserError(
                f"--resume {directory}: the {part}images or labels of {given} differ from those"
                " that the search was started with: resume the search with the original data"
            )
    if earlier.data is None or earlier.data.class_names == dataset.class_names:
        return
    before, now = (
        shortened(", ".join(names), MAX_QUOTED)
        for names in (earlier.data.class_names, dataset.class_names)
    )
    raise UserError(
        f"--resume {directory}: the class names of {given}, {now}, differ from those that the"
        f" search was started with, {before}"
    )


def resume_command(directory: Path) -> str:
    """Return the command that resumes a search, including the ``--models`` of this process."""
    resume = shlex.join(["python", "-m", "tune_mnist.search", "--resume", str(directory)])
    return resume + repeated_flags()


def next_step(directory: Path) -> str:
    """Return a hint on how to resume a search, or the reason why it cannot be resumed."""
    if not (directory / EXPERIMENT_FILE).exists():
        return NOTHING_TO_RESUME
    if not _is_resumable(directory):
        return f"the search cannot be resumed; its results so far are in {directory}"
    return f"to resume: {resume_command(directory)}"


def next_step_without_head(directory: Path, *, own_cluster: bool) -> str:
    """Return what is kept and how to resume a search after the loss of Ray's head node.

    Args:
        directory: Results folder.
        own_cluster: Whether the user started the cluster, and must start another one.
    """
    step = next_step(directory)
    if not (directory / EXPERIMENT_FILE).exists():
        return step
    if own_cluster and _is_resumable(directory):
        step = f"start a cluster; {step} --address ITS_ADDRESS"
    return f"the trials that ended are kept; {step}"


def _is_resumable(directory: Path) -> bool:
    """Return whether the scheduler of a stored search supports resuming the search."""
    try:
        name = read_experiment(directory).options.get("scheduler")
    except UserError:  # the command that resumes the search names the damage
        return True
    return name not in scheduler_names() or scheduler_class(str(name)).resumable


def all_trials_done(options: SearchOptions) -> str:
    """Return a message for the resumption of a search all of whose trials have ended."""
    size = options.num_samples
    ended = f"no trial is left to run: {size} of {size} have ended"
    if scheduler_class(options.scheduling.name).fixed_population:
        return ended
    return f"{ended}; --num-samples N, above {size}, adds trials"


def changed_networks(space: SearchSpace, earlier: Experiment) -> list[str]:
    """Return a warning for each user-defined network whose source has changed."""
    return [
        f"network {name}: the source has changed since the search was started, so trials from"
        " before and after the change may not be comparable"
        for name in earlier.edited_since(source_digests(space.models))
    ]


def has_study(directory: Path) -> bool:
    """Return whether a search has a study. It has none if it was killed before its first trial.

    Raises:
        UserError: The search has started trials, but its journal is missing or empty.
    """
    journal = directory / JOURNAL
    if journal.exists() and (not journal.is_file() or journal.stat().st_size):
        return True
    # The table of trials is the first file that a search writes after it has created its study.
    if (directory / TRIALS_FILE).exists():
        problem = "is empty" if journal.exists() else "does not exist"
        raise UserError(
            f"{journal}: the file {problem}, although the search has started trials; a search"
            " cannot be resumed without its journal: start another search"
        )
    return False
