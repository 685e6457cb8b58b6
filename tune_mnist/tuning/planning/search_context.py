"""Context of a search."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import ray

from tune_mnist.data import DataSplit
from tune_mnist.durations import Stopwatch
from tune_mnist.tuning.cluster.node_tasks import Node
from tune_mnist.tuning.options.search_options import SearchOptions
from tune_mnist.tuning.planning.resources import Workers
from tune_mnist.tuning.searching.portfolio import Portfolio
from tune_mnist.tuning.searching.warm_start import WarmStart
from tune_mnist.tuning.spaces.space import SearchSpace
from tune_mnist.tuning.trials.trainable import TrialSettings

if TYPE_CHECKING:
    from mlflow import MlflowClient


@dataclass(frozen=True)
class SearchContext:
    """Validated inputs of a search that is ready to run its trials.

    Attributes:
        space: Search space.
        options: Options of the search.
        directory: Results folder.
        shared: Reference to the data split in Ray's object store.
        settings: Settings that all trials share.
        workers: Resources of a trial, and the number of concurrent trials.
        dashboard: URL of Ray's dashboard, or why there is none.
        final_images: Number of training images of a final run.
        val_images: Number of validation images of a trial.
        chance_level: Validation accuracy that a network exceeds once it has learned anything.
        nodes: Nodes that could reach the checkpoints at the start; nodes may join or leave later.
            None: Ray runs on this machine only.
        mlflow: Client of the MLflow server that records the trials; None: no recording.
        warm_start: What a fresh study imports from an earlier search, or None.
        portfolio: Configurations that a new search tries first, or None.
        watch: Time since the start of the command.
    """

    space: SearchSpace
    options: SearchOptions
    directory: Path
    shared: "ray.ObjectRef[DataSplit]"
    settings: TrialSettings
    workers: Workers
    dashboard: str
    final_images: int
    val_images: int
    chance_level: float
    nodes: list[Node] | None = None
    mlflow: "MlflowClient | None" = None
    warm_start: WarmStart | None = None
    portfolio: Portfolio | None = None
    watch: Stopwatch = field(default_factory=Stopwatch)
