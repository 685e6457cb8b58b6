"""Whether a search can be gone on with."""

from pathlib import Path

from tune_mnist.data import Dataset
from tune_mnist.errors import UserError
from tune_mnist.tuning.final.runs import read_final_runs
from tune_mnist.tuning.options import SearchOptions
from tune_mnist.tuning.recording.ledger import begun_trials
from tune_mnist.tuning.recording.study import JOURNAL, load_study
from tune_mnist.tuning.results_folder import Experiment, fingerprint
from tune_mnist.tuning.schedulers.scheduler import RESUMABLE


def check_resumable(
    directory: Path, options: SearchOptions, dataset: Dataset, earlier: Experiment
) -> None:
    """See that what an earlier run of a search has left can be gone on with.

    Args:
        directory: the results folder.
        options: those to go on with.
        dataset: the same.
        earlier: how the search was set up.

    Raises:
        UserError: it cannot; says why.
    """
    if options.scheduling.name not in RESUMABLE:
        raise UserError(
            f"--resume {directory}: scheduler {options.scheduling.name} cannot be brought back to"
            f" where it was; those that can are {', '.join(RESUMABLE)}"
        )
    before = earlier.options.get("storage_path")
    if options.storage_path != before:
        raise UserError(
            f"--storage-path {options.storage_path}: the checkpoints of the search are in"
            f" {before or directory}: leave the option out"
        )
    if fingerprint(dataset) != earlier.data_sha256:
        raise UserError(
            f"--resume {directory}: the search was begun on other images or labels than these of"
            f" {options.data_dir or options.dataset}"
        )
    if (directory / JOURNAL).exists():
        begun = begun_trials(load_study(directory))
        size = earlier.options["num_samples"]
        if options.scheduling.name == "pbt" and options.num_samples != size:
            raise UserError(
                f"--num-samples {options.num_samples}: the population of --scheduler pbt was begun"
                f" with {size}, and cannot change: leave the option out"
            )
        if len(begun) > options.num_samples:
            raise UserError(
                f"--num-samples {options.num_samples}: {len(begun)} trials have been begun"
                " already: give at least that many"
            )
    read_final_runs(directory)  # a damaged one is told of before there is any work to lose
