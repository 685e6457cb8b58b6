"""Commands for fuzzing: resume and warm start of a search, without the start of Ray."""

from pathlib import Path
from typing import Any

import click
import numpy as np
import optuna

from tune_mnist.data import Dataset
from tune_mnist.tuning.options.search_options import SearchOptions
from tune_mnist.tuning.preparation import read_warm_start
from tune_mnist.tuning.recording.callbacks import BestModels
from tune_mnist.tuning.recording.study import open_storage
from tune_mnist.tuning.results_folder.experiment_file import read_experiment
from tune_mnist.tuning.results_folder.resuming import check_resumable
from tune_mnist.tuning.schedulers.restore import scheduler_for
from tune_mnist.tuning.searching.samplers import create_sampler
from tune_mnist.tuning.searching.searcher import StudySearch
from tune_mnist.tuning.searching.warm_start import prepare_study
from tune_mnist.tuning.spaces.space import load_space

PIXELS, LABELS = np.zeros((1, 28, 28), np.uint8), np.zeros(1, np.int64)
DATASET = Dataset("digits", PIXELS, LABELS, PIXELS, LABELS, ("0", "1"))
"""Data set of the searches in tests/reporting/searches.py."""

DRAWN = 3
"""Number of trials that a resumed search starts or continues."""


def no_settings(*_: int) -> Any:
    """Replace settings that only trials and a population need."""
    return None


@click.command()
@click.argument("directory", type=click.Path(path_type=Path))
def resume(directory: Path) -> None:
    """Restore a search, and draw trials."""
    experiment = read_experiment(directory)
    space = experiment.search_space(directory)
    options = experiment.stored_options(directory, space)
    check_resumable(directory, space, options, DATASET, experiment)
    sampler = create_sampler(options.searcher, space, options.num_samples, options.seed, 0.2)
    storage, epochs = open_storage(directory), options.max_epochs
    searcher = StudySearch(space, storage, sampler, options.directions, epochs, DRAWN)
    scheduler_for(searcher, space, options.scheduling_for(space), no_settings(), DRAWN)
    BestModels(directory / "best", dict, no_settings)
    for number in range(DRAWN):
        searcher.suggest(f"id{number}")


@click.command()
@click.argument("directory", type=click.Path(path_type=Path))
def warm_start(directory: Path) -> None:
    """Fill a new study from an earlier search."""
    space = load_space("lenet")
    found = read_warm_start(space, SearchOptions.for_space(space, warm_start=directory), DATASET)
    prepare_study(optuna.create_study(direction="maximize"), space, DRAWN, found)
