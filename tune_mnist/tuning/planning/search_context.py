"""A search that is about to run."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import ray

from tune_mnist.data import DataSplit
from tune_mnist.tuning.cluster.node_tasks import Node
from tune_mnist.tuning.options.search_options import SearchOptions
from tune_mnist.tuning.planning.resources import Workers
from tune_mnist.tuning.spaces.space import SearchSpace
from tune_mnist.tuning.trials.trainable import TrialSettings

if TYPE_CHECKING:
    from mlflow import MlflowClient


@dataclass(frozen=True)
class SearchContext:
    """All that running the trials of a search needs, decided and checked.

    Attributes:
        space: what is searched.
        options: how.
        directory: the results folder.
        shared: the split in the object store.
        settings: what all trials have in common.
        workers: how trials are placed.
        dashboard: where Ray's dashboard is, for people.
        final_images: how many images a final run trains on.
        nodes: those that were asked whether they reach the checkpoints; others may join, and
            these go. None: Ray runs on this machine only.
        mlflow: is told of the trials; None: nobody is.
        val_images: Number of validation images of a trial.
        chance_level: val_accuracy that a network which has learned exceeds.
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
