"""A search as its results folder tells it: all that tables, plots and page are made of."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import optuna
import pandas as pd

from tune_mnist.data.form import MNIST, DataForm, number_names
from tune_mnist.errors import UserError
from tune_mnist.safe_paths import path_in
from tune_mnist.tuning.final.runs import FinalRun, read_final_runs
from tune_mnist.tuning.options.search_options import SearchOptions
from tune_mnist.tuning.recording.study import JOURNAL, load_study
from tune_mnist.tuning.recording.study_check import check_belongs
from tune_mnist.tuning.recording.trial_record import TrialRecord, to_frame
from tune_mnist.tuning.recording.trial_store import begun_trials
from tune_mnist.tuning.results_folder.experiment_file import (
    EXPERIMENT_FILE,
    Experiment,
    read_experiment,
)
from tune_mnist.tuning.spaces.space import SearchSpace
from tune_mnist.tuning.storage.kept_models import kept_models, read_config


@dataclass(frozen=True)
class StoredSearch:
    """What a search has found, whether it came to its end or not.

    Attributes:
        directory: its results folder; the name of the folder is the search's.
        experiment: how it was set up.
        space: what it searched.
        options: how.
        study: its Optuna study, to be read; trials taken over from another search included.
        records: its trials, in the order of their numbers.
        trials: the same as a table, one row a trial, as in ``trials.csv``.
        full_val_accuracy: by architecture and number of the trial, the kept model's accuracy on
            the whole validation part; empty if the trials were judged by all of it.
        final: runs of the final evaluation, by model and seed; empty if there was none.
    """

    directory: Path
    experiment: Experiment
    space: SearchSpace
    options: SearchOptions
    study: optuna.Study
    records: list[TrialRecord]
    trials: pd.DataFrame
    full_val_accuracy: dict[tuple[str, int], float]
    final: list[FinalRun]

    @property
    def name(self) -> str:
        """Name of the search."""
        return self.directory.absolute().name

    @property
    def class_names(self) -> tuple[str, ...]:
        """Name of each class; its number in folders of versions that knew no names."""
        if self.experiment.data is not None:
            return self.experiment.data.class_names
        return number_names(len(self.final[0].confusion)) if self.final else ()

    @property
    def form(self) -> DataForm:
        """Form of the images: MNIST's in folders of versions that knew no other."""
        return self.experiment.data or MNIST


def read_search(directory: Path) -> StoredSearch:
    """Read a results folder, also of a search that was interrupted or is still running.

    Raises:
        UserError: it is none, or a file in it is damaged.
    """
    experiment = read_experiment(directory)
    space = experiment.search_space(directory)
    options = experiment.stored_options(directory, space)
    study = load_study(directory)
    check_belongs(study, space, options.directions, options.max_epochs, directory / JOURNAL)
    records = [TrialRecord.from_study(trial, space.model) for trial in begun_trials(study)]
    final = read_final_runs(directory)
    _check_class_names(directory, experiment, final)
    return StoredSearch(
        directory=directory,
        experiment=experiment,
        space=space,
        options=options,
        study=study,
        records=records,
        trials=to_frame(records),
        full_val_accuracy=_full_val_accuracy(directory),
        final=final,
    )


def _check_class_names(directory: Path, experiment: Experiment, final: Sequence[FinalRun]) -> None:
    """Check that there is a name for each class of the confusion matrices."""
    if experiment.data is None or not final:
        return
    named, classes = len(experiment.data.class_names), len(final[0].confusion)
    if named != classes:
        raise UserError(
            f"{directory / EXPERIMENT_FILE}: data.class_names: {named} names, the final runs have"
            f" {classes} classes"
        )


def _full_val_accuracy(directory: Path) -> dict[tuple[str, int], float]:
    folders = kept_models(path_in(directory, "best"))
    configs = {folder.name: read_config(folder) for folder in folders}
    return {
        (model, config.trial): config.full_val_accuracy
        for model, config in configs.items()
        if config.full_val_accuracy is not None
    }
