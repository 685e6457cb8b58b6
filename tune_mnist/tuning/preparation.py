"""Inputs of a search, loaded and checked before Ray starts."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tune_mnist.data import Dataset, DataSplit, load_dataset, split_dataset, train_val_indices
from tune_mnist.data.recognition import with_stored_names
from tune_mnist.results import require_new
from tune_mnist.safe_paths import path_in, require_no_links
from tune_mnist.training import Fidelity
from tune_mnist.tuning.cluster.shared_storage import check_usable
from tune_mnist.tuning.options.search_options import SearchOptions
from tune_mnist.tuning.recording.study import load_study
from tune_mnist.tuning.results_folder.experiment_file import Experiment, read_experiment
from tune_mnist.tuning.results_folder.lock import check_lockable
from tune_mnist.tuning.results_folder.resuming import check_resumable, has_study
from tune_mnist.tuning.searching.portfolio import SHARE, Portfolio, portfolio_of
from tune_mnist.tuning.searching.registry import searcher_class
from tune_mnist.tuning.searching.warm_start import WarmStart, is_prepared, select_trials
from tune_mnist.tuning.spaces.architectures import check_networks
from tune_mnist.tuning.spaces.space import SearchSpace
from tune_mnist.tuning.spaces.stages import check_images
from tune_mnist.tuning.storage.storage_path import checkpoints_of_search, is_bucket, require_free
from tune_mnist.tuning.trials.networks import pack_networks
from tune_mnist.tuning.watching.mlflow_client import open_client

if TYPE_CHECKING:
    from mlflow import MlflowClient

WARM_START_FACT, PORTFOLIO_FACT = "warm start", "portfolio"
"""Headings of the facts that describe the warm start and the portfolio of a search."""


@dataclass(frozen=True)
class Preparation:
    """Inputs of a search, loaded and checked before Ray starts.

    Attributes:
        space: Search space.
        options: Options of the search, adapted to the size of the data set.
        directory: Results folder.
        dataset: Data set.
        data: Training and validation data of the trials.
        everything: Training and validation split with all images.
        joined: Indices of the training images of final runs.
        fidelity: Stages of each trial, or None if the space has no stages.
        networks: User-defined networks, pickled for the workers.
        checkpoints: Path or URI of the checkpoints, or None if they are in the results folder.
        mlflow: MLflow client that records the trials, or None if MLflow is not used.
        warm_start: Trials and configurations that a new study reuses from an earlier search, or
            None if there is no warm start.
        portfolio: Configurations that a new study tries first, or None if there is no portfolio.
        queue_facts: Description of the warm start and the portfolio, keyed by heading.
    """

    space: SearchSpace
    options: SearchOptions
    directory: Path
    dataset: Dataset
    data: DataSplit
    everything: DataSplit
    joined: NDArray[np.int64]
    fidelity: Fidelity | None
    networks: bytes
    checkpoints: str | None
    mlflow: "MlflowClient | None" = None
    warm_start: WarmStart | None = None
    portfolio: Portfolio | None = None
    queue_facts: dict[str, str] = field(default_factory=dict)

    @property
    def whole_val(self) -> NDArray[np.int64] | None:
        """Indices of the whole validation split, or None if trials are validated on all of it."""
        whole = self.everything.val
        return whole if len(self.data.val) < len(whole) else None


def prepare_search(
    space: SearchSpace,
    options: SearchOptions,
    directory: Path,
    earlier: Experiment | None,
    dataset: Dataset | None,
) -> Preparation:
    """Load the inputs of a search, and check that the search can run with them.

    Args:
        space: Search space.
        options: Options of the search.
        directory: Results folder. For a new search, it must be empty or not exist.
        earlier: Stored setup of the search to resume, or None for a new search.
        dataset: Data set. If None, the data set specified by the options is loaded.

    Raises:
        UserError: An input is invalid. Nothing has been written, except for MLflow's tables in a
            new database.
    """
    dataset = dataset or load_dataset(
        options.dataset, options.data_dir, transpose=options.transpose
    )
    options = options.for_images(len(dataset.train_labels))
    if earlier is None:
        require_new(directory)
        check_lockable(directory)
        warm_start = read_warm_start(space, options, dataset)
        portfolio = read_portfolio(space, options)
        facts = {WARM_START_FACT: warm_start.describe()} if warm_start else {}
        facts |= {PORTFOLIO_FACT: portfolio.describe()} if portfolio else {}
    else:
        dataset = with_stored_names(dataset, earlier.data)
        check_resumable(directory, space, options, dataset, earlier)
        prepared = has_study(directory) and is_prepared(load_study(directory))
        warm_start = None if prepared else read_warm_start(space, options, dataset)
        portfolio = None if prepared else read_portfolio(space, options)
        headings = (WARM_START_FACT, PORTFOLIO_FACT)
        facts = {key: text for key, text in earlier.facts.items() if key in headings}
    checkpoints = _place_of_checkpoints(directory, options, earlier)
    data = split_dataset(dataset, options.fraction, options.val_fraction)
    fidelity = options.fidelity(space)
    check_images(fidelity, data)
    everything = split_dataset(dataset)
    joined = train_val_indices(everything, options.final_run_fraction)
    sizes = [stage.image_size for stage in fidelity.stages] if fidelity else []
    check_networks(
        space.parameters,
        space.models,
        dataset.num_classes,
        dataset.channels,
        [options.image_size, *sizes],
    )
    return Preparation(
        space=space,
        options=options,
        directory=directory,
        dataset=dataset,
        data=data,
        everything=everything,
        joined=joined,
        fidelity=fidelity,
        networks=pack_networks(space.models),
        checkpoints=checkpoints,
        mlflow=open_client(options.mlflow, directory.name) if options.mlflow else None,
        warm_start=warm_start,
        portfolio=portfolio,
        queue_facts=facts,
    )


def _place_of_checkpoints(
    directory: Path, options: SearchOptions, earlier: Experiment | None
) -> str | None:
    """Check the location of the checkpoints. Return None if it is the results folder."""
    if options.storage_path is None:
        return None
    check_usable(options.storage_path)
    if not is_bucket(options.storage_path):
        check_lockable(Path(options.storage_path))
    if earlier is not None:
        checkpoints = earlier.checkpoints
        if checkpoints is not None and not is_bucket(checkpoints):
            place = Path(checkpoints)
            path_in(place.parent.parent, place.parent.name, place.name)
            require_no_links(place)
        return checkpoints
    checkpoints = checkpoints_of_search(options.storage_path, directory.name)
    require_free(checkpoints)
    return checkpoints


def read_warm_start(
    space: SearchSpace, options: SearchOptions, dataset: Dataset
) -> WarmStart | None:
    """Read the trials of the earlier search that is given by ``--warm-start``.

    Returns:
        Trials and configurations to reuse, or None if the options request no warm start.

    Raises:
        UserError: The folder contains no search, or none of its trials fits the space.
    """
    directory = options.warm_start
    if directory is None:
        return None
    earlier = read_experiment(directory)
    alike = earlier.is_comparable(options, dataset)
    return select_trials(
        load_study(directory),
        directory,
        space,
        earlier.fixed_model(directory),
        earlier.unchanged_networks(space.models) if alike else (),
    )


def read_portfolio(space: SearchSpace, options: SearchOptions) -> Portfolio | None:
    """Return the portfolio of configurations that a search tries first.

    Returns:
        Portfolio, or None if the options disable it, no configuration is available for the
        architectures of the space, or the search is too short for it.
    """
    if not options.portfolio or searcher_class(options.searcher).enumerates:
        return None
    portfolio = portfolio_of(space)
    if portfolio is None or options.num_samples < SHARE:
        return None
    return portfolio.shortened(options.num_samples)
