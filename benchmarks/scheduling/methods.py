"""Searchers and schedulers to compare, built from the classes that users run."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import optuna
from numpy.typing import NDArray
from optuna.samplers import BaseSampler, RandomSampler, TPESampler
from ray.tune.schedulers import AsyncHyperBandScheduler, TrialScheduler
from ray.tune.search import Searcher
from ray.tune.search.optuna import OptunaSearch

from benchmarks.scheduling.table_sampler import TableSampler
from tune_mnist.tuning.schedulers.asha_stopping import StoppingAsha
from tune_mnist.tuning.schedulers.options import SchedulerOptions
from tune_mnist.tuning.schedulers.promotion import PromotionAsha
from tune_mnist.tuning.schedulers.protocol import MODE, SearchScheduler
from tune_mnist.tuning.searching.samplers import create_sampler
from tune_mnist.tuning.searching.searcher import StudySearch
from tune_mnist.tuning.spaces.space import SearchSpace
from tune_mnist.tuning.trials.reports import METRIC, ended_early

REDUCTION_FACTOR = 3
CHANCE_LEVEL = 0.2
"""Accuracy that a network exceeds once it has learned to distinguish ten digits."""


@dataclass(frozen=True)
class Task:
    """Search problem that a method has to solve.

    Attributes:
        space: Search space.
        configurations: Configurations of the table.
        weights: Weight of each parameter in the distance between configurations, float64 (P,).
        max_epochs: Maximum epochs per trial.
        workers: Number of concurrent trials.
        num_samples: Number of trials that a user would request; determines the number of random
            trials before a sampler uses its model.
        seed: Seed of the search.
    """

    space: SearchSpace
    configurations: list[dict[str, Any]]
    weights: NDArray[np.float64]
    max_epochs: int
    workers: int
    num_samples: int
    seed: int


@dataclass(frozen=True)
class SearchComponents:
    """Searcher and scheduler of a method.

    Attributes:
        searcher: Searcher.
        sampler: Sampler of the searcher's study, which maps suggestions to rows of the table.
        scheduler: Scheduler.
        diverged: Last report of a trial that diverges; None: such a trial fails with an error.
    """

    searcher: Searcher
    sampler: TableSampler
    scheduler: TrialScheduler
    diverged: dict[str, Any] | None = None


def random_stopping(task: Task) -> SearchComponents:
    """Random search with Ray's ASHA."""
    return _rays_components(task, RandomSampler(seed=task.seed))


def rays_own(task: Task) -> SearchComponents:
    """Ray's OptunaSearch with its default sampler, Optuna's TPE, and Ray's ASHA."""
    return _rays_components(task, TPESampler(seed=task.seed))


def random_promotion(task: Task) -> SearchComponents:
    """Random search with the project's promotion ASHA."""
    return _our_components(task, "random", _promotion(task))


def our_stopping(task: Task) -> SearchComponents:
    """The project's searcher with its stopping ASHA."""
    options = SchedulerOptions(
        "asha-stopping",
        task.max_epochs,
        reduction_factor=REDUCTION_FACTOR,
        seed=task.seed,
        max_concurrent=task.workers,
    )
    return _our_components(task, "tpe", StoppingAsha(options))


def our_promotion(task: Task) -> SearchComponents:
    """The project's searcher with its promotion ASHA."""
    return _our_components(task, "tpe", _promotion(task))


METHODS: dict[str, Callable[[Task], SearchComponents]] = {
    "random + stopping": random_stopping,
    "Ray's own TPE + stopping": rays_own,
    "random + promotion": random_promotion,
    "our TPE + stopping": our_stopping,
    "our TPE + promotion": our_promotion,
}


def _rays_components(task: Task, sampler: BaseSampler) -> SearchComponents:
    table_sampler = _bound_to_table(sampler, task)
    searcher = OptunaSearch(
        space=task.space.sample, metric=METRIC, mode=MODE, sampler=table_sampler
    )
    scheduler = AsyncHyperBandScheduler(
        time_attr="training_iteration",
        metric=METRIC,
        mode=MODE,
        max_t=task.max_epochs,
        reduction_factor=REDUCTION_FACTOR,
    )
    return SearchComponents(searcher, table_sampler, scheduler)


def _our_components(task: Task, sampler: str, scheduler: SearchScheduler) -> SearchComponents:
    searcher = StudySearch(
        space=task.space,
        storage=optuna.storages.InMemoryStorage(),
        sampler=create_sampler(sampler, task.space, task.num_samples, task.seed, CHANCE_LEVEL),
        directions={METRIC: MODE},
        max_epochs=task.max_epochs,
        max_concurrent=task.workers,
    )
    study = searcher.study
    study.sampler = _bound_to_table(study.sampler, task)
    searcher.may_begin = scheduler.wants_new_trial
    return SearchComponents(
        searcher, study.sampler, scheduler, ended_early("diverged", diverged=True)
    )


def _bound_to_table(sampler: BaseSampler, task: Task) -> TableSampler:
    return TableSampler(sampler, task.space, task.configurations, task.weights)


def _promotion(task: Task) -> PromotionAsha:
    # The number of configurations, so that the epoch budget ends a search first.
    options = SchedulerOptions(
        "asha-promotion",
        task.max_epochs,
        num_samples=len(task.configurations),
        max_concurrent=task.workers,
        reduction_factor=REDUCTION_FACTOR,
        seed=task.seed,
    )
    return PromotionAsha(options)
