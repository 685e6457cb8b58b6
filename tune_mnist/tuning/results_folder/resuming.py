"""Whether a search can be gone on with."""

from pathlib import Path

from tune_mnist.data import Dataset
from tune_mnist.errors import UserError
from tune_mnist.models.user_modules import source_digests
from tune_mnist.quoting import MAX_QUOTED, shortened
from tune_mnist.tuning.final.runs import read_final_runs
from tune_mnist.tuning.options.search_options import SearchOptions
from tune_mnist.tuning.recording.callbacks import TRIALS_FILE
from tune_mnist.tuning.recording.study import JOURNAL, load_study
from tune_mnist.tuning.recording.study_check import check_belongs
from tune_mnist.tuning.recording.trial_store import begun_trials
from tune_mnist.tuning.results_folder.experiment_file import Experiment, checksum
from tune_mnist.tuning.schedulers.registry import scheduler_class, scheduler_names
from tune_mnist.tuning.spaces.space import SearchSpace


def check_resumable(
    directory: Path,
    space: SearchSpace,
    options: SearchOptions,
    dataset: Dataset,
    earlier: Experiment,
) -> None:
    """Check that a search can be resumed from what an earlier run of it has left.

    Args:
        directory: the results folder.
        space: of the search.
        options: those to go on with.
        dataset: the same.
        earlier: how the search was set up.

    Raises:
        UserError: it cannot; says why.
    """
    name = options.scheduling.name
    scheduler = scheduler_class(name)
    if not scheduler.resumable:
        others = [other for other in scheduler_names() if scheduler_class(other).resumable]
        raise UserError(
            f"--resume {directory}: scheduler {name} cannot be brought back to where it was; those"
            f" that can are {', '.join(others)}"
        )
    before = earlier.options.get("storage_path")
    if options.storage_path != before:
        raise UserError(
            f"--storage-path {options.storage_path}: the checkpoints of the search are in"
            f" {before or directory}: leave the option out"
        )
    _check_same_data(directory, options, dataset, earlier)
    if has_study(directory):
        study = load_study(directory)
        check_belongs(study, space, options.directions, options.max_epochs, directory / JOURNAL)
        begun = begun_trials(study)
        size = earlier.stored_options(directory, space).num_samples
        if scheduler.fixed_population and options.num_samples != size:
            raise UserError(
                f"--num-samples {options.num_samples}: the population of --scheduler {name} was"
                f" begun with {size}, and cannot change: leave the option out"
            )
        if len(begun) > options.num_samples:
            raise UserError(
                f"--num-samples {options.num_samples}: {len(begun)} trials have been begun"
                " already: give at least that many"
            )
    read_final_runs(directory)  # a damaged one is told of before there is any work to lose


def _check_same_data(
    directory: Path, options: SearchOptions, dataset: Dataset, earlier: Experiment
) -> None:
    """Check that the images, labels and class names are those that the search began with.

    Raises:
        UserError: They are not.
    """
    given = options.data_dir or options.dataset
    parts = (
        ("", dataset.train_images, dataset.train_labels, earlier.data_sha256),
        ("test ", dataset.test_images, dataset.test_labels, earlier.test_sha256),
    )
    for part, images, labels, stored in parts:
        if stored is not None and checksum(images, labels) != stored:
            raise UserError(
                f"--resume {directory}: the search was begun on other {part}images or labels than"
                f" these of {given}"
            )
    if earlier.data is None or earlier.data.class_names == dataset.class_names:
        return
    before, now = (
        shortened(", ".join(names), MAX_QUOTED)
        for names in (earlier.data.class_names, dataset.class_names)
    )
    raise UserError(
        f"--resume {directory}: the search was begun with the class names {before}; those of"
        f" {given} are {now}"
    )


def changed_networks(space: SearchSpace, earlier: Experiment) -> list[str]:
    """Return a line for each of the user's networks whose source was edited since.

    Args:
        space: Space of the search.
        earlier: How the search was set up.
    """
    return [
        f"network {name}: its source was edited since the search began: trials from before and"
        " after may not compare"
        for name in earlier.edited_since(source_digests(space.models))
    ]


def has_study(directory: Path) -> bool:
    """Return whether the study was begun; a driver may have been killed before.

    Raises:
        UserError: It was begun, and its journal is gone: all trials would be run again.
    """
    journal = directory / JOURNAL
    if journal.exists() and (not journal.is_file() or journal.stat().st_size):
        return True
    # The table is the first that a search writes once it has a study.
    if (directory / TRIALS_FILE).exists():
        gone = "is empty" if journal.exists() else "there is no such file"
        raise UserError(
            f"{journal}: {gone}, though the search has begun trials: it cannot be resumed without"
            " its journal: begin another search"
        )
    return False
