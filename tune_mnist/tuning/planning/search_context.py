"""Checked inputs of a search, shared by searcher, scheduler, trials and final evaluation."""

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
from tune_mnist.tuning.storage.candidate_models import CandidateLimits
from tune_mnist.tuning.trials.trainable import TrialSettings

if TYPE_CHECKING:
    from mlflow import MlflowClient


@dataclass(frozen=True)
class SearchContext:
    """Everything that a search needs to run its trials, after all inputs have been checked.

    Attributes:
        space: Search space.
        options: Options of the search.
        directory: Results folder.
        shared: Reference to the data split in Ray's object store.
        settings: Settings shared by all trials.
        workers: Resources of each trial, and the number of concurrent trials.
        dashboard: URL of Ray's dashboard, or the reason why there is none.
        final_images: Number of training images of a final run.
        train_images: Number of training images of a trial.
        val_images: Number of validation images of a trial.
        chance_level: Validation accuracy that a network must exceed to count as having learned.
        guessing_level: Validation accuracy up to which a network gets no final runs by default, or
            None if every network gets them.
        nodes: Nodes that could reach the checkpoints when the search started, or None if Ray runs
            only on this machine. Nodes may join or leave later.
        mlflow: MLflow client that records the trials, or None if MLflow is not used.
        warm_start: Trials and configurations that a new study reuses from an earlier search, or
            None if there is no warm start.
        portfolio: Configurations that a new study tries first, or None if there is no portfolio.
        watch: Stopwatch started with the command.
    """

    space: SearchSpace
    options: SearchOptions
    directory: Path
    shared: "ray.ObjectRef[DataSplit]"
    settings: TrialSettings
    workers: Workers
    dashboard: str
    final_images: int
    train_images: int
    val_images: int
    chance_level: float
    guessing_level: float | None = None
    nodes: list[Node] | None = None
    mlflow: "MlflowClient | None" = None
    warm_start: WarmStart | None = None
    portfolio: Portfolio | None = None
    watch: Stopwatch = field(default_factory=Stopwatch)

    @property
    def candidate_limits(self) -> CandidateLimits:
        """Limits of the models of each architecture from which an ensemble is chosen."""
        return CandidateLimits(len(self.space.models), self.options.finalists)
