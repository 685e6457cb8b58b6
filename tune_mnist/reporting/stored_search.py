"""Search that is read from its results folder."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import optuna
import pandas as pd

from tune_mnist.data.form import MNIST, DataForm, number_names
from tune_mnist.errors import UserError
from tune_mnist.safe_paths import path_in
from tune_mnist.training.ensemble_file import Ensemble, read_ensemble
from tune_mnist.tuning.final.runs import FinalRun, read_final_runs
from tune_mnist.tuning.options.search_options import SearchOptions
from tune_mnist.tuning.recording.study import CHANCE_LEVEL, GUESSING_LEVEL, JOURNAL, load_study
from tune_mnist.tuning.recording.study_check import check_belongs
from tune_mnist.tuning.recording.trial_record import TrialRecord, has_learned, to_frame
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
    """Search with its results so far, read from its results folder.

    Attributes:
        directory: Results folder. Its name is the name of the search.
        experiment: Settings, commands and versions of the search.
        space: Search space.
        options: Options of the search.
        study: Optuna study, which must not be changed. It also contains the trials that a warm
            start has imported from other searches.
        records: Trials in the order of their numbers.
        trials: Trials as a data frame with the columns of ``trials.csv``.
        full_val_accuracy: Accuracy of each kept model on all validation images, keyed by
            architecture and trial number. Empty if the trials were validated on all of these
            images anyway.
        final: Results of the final runs.
        ensemble: Ensemble of trials, or None if none has been chosen yet.
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
    ensemble: Ensemble | None

    @property
    def name(self) -> str:
        """Name of the search."""
        return self.directory.absolute().name

    @property
    def chance_level(self) -> float:
        """Accuracy that a network must exceed to count as having learned. 0 in early folders."""
        level = self.study.user_attrs.get(CHANCE_LEVEL)
        return level if isinstance(level, float) else 0.0

    @property
    def guessing_level(self) -> float | None:
        """Accuracy up to which there are no final runs by default. None in early folders."""
        level = self.study.user_attrs.get(GUESSING_LEVEL)
        return level if isinstance(level, float) else None

    @property
    def learned(self) -> bool:
        """Whether at least one trial is better than guessing."""
        return has_learned(self.records, self.chance_level)

    @property
    def class_names(self) -> tuple[str, ...]:
        """Names of the classes, or their numbers in folders of early versions without names."""
        if self.experiment.data is not None:
            return self.experiment.data.class_names
        return number_names(len(self.final[0].confusion)) if self.final else ()

    @property
    def form(self) -> DataForm:
        """Form of the images. Folders of early versions do not store it and get MNIST's form."""
        return self.experiment.data or MNIST


def read_search(directory: Path) -> StoredSearch:
    """Read a search from its results folder. It may be finished, interrupted or running.

    Raises:
        UserError: The folder is not a results folder, or one of its files is damaged.
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
        ensemble=read_ensemble(directory),
    )


def names_of(searches: Sequence[StoredSearch]) -> list[str]:
    """Return a label for each search: its name, or its folder if several have the same name.

    Raises:
        UserError: A search is given twice.
    """
    folders = [results.directory.resolve() for results in searches]
    for folder in folders:
        if folders.count(folder) > 1:
            raise UserError(f"{folder}: the folder is given twice: name each results folder once")
    names = [results.name for results in searches]
    return [
        name if names.count(name) == 1 else str(results.directory)
        for name, results in zip(names, searches, strict=True)
    ]


def _check_class_names(directory: Path, experiment: Experiment, final: Sequence[FinalRun]) -> None:
    """Check that each class of the confusion matrices has a name."""
    if experiment.data is None or not final:
        return
    named, classes = len(experiment.data.class_names), len(final[0].confusion)
    if named != classes:
        raise UserError(
            f"{directory / EXPERIMENT_FILE}: data.class_names has {named} names, but the final"
            f" runs have {classes} classes"
        )


def _full_val_accuracy(directory: Path) -> dict[tuple[str, int], float]:
    folders = kept_models(path_in(directory, "best"))
    configs = {folder.name: read_config(folder) for folder in folders}
    return {
        (model, config.trial): config.full_val_accuracy
        for model, config in configs.items()
        if config.full_val_accuracy is not None
    }
