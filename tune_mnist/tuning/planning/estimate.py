"""Estimation of the duration of a search by simulating its scheduler."""

import heapq
import math
import statistics
from collections.abc import Callable, Iterable, Sequence
from random import Random

from tune_mnist.training import Fidelity
from tune_mnist.tuning.options.search_options import SearchOptions
from tune_mnist.tuning.planning.speeds import Speeds
from tune_mnist.tuning.schedulers.options import SchedulerOptions
from tune_mnist.tuning.schedulers.registry import scheduler_class
from tune_mnist.tuning.spaces.stages import epoch_costs
from tune_mnist.tuning.storage.candidate_models import CandidateLimits

START_SECONDS = 3.0
"""Seconds that the worker of a trial or of a final run needs to start."""

MEMBER_SHARE = 0.5
"""Expected share of the candidates that become members of the ensemble.

The ensembles of ten-minute searches of ResNet and of all networks had 3 of 8 and 1 of 7.
"""

SIMULATIONS = 20
SIMULATED_TRIALS = 100


def expected_seconds(
    speeds: Speeds,
    train_images: int,
    val_images: int,
    num_samples: int,
    scheduler: SchedulerOptions,
    concurrent: int,
    fidelity: Fidelity | None = None,
    exempt: int = 0,
    trained: Sequence[int] = (),
) -> float:
    """Return the expected wall time of the trials of a search in seconds.

    Each architecture is assumed to get the same number of trials.

    Args:
        speeds: Speeds of a worker at the image size of the search, keyed by architecture.
        train_images: Number of training images of a trial.
        val_images: Number of validation images of a trial.
        num_samples: Number of trials, at least 1.
        scheduler: Options of the scheduler.
        concurrent: Number of concurrent trials, at least 1.
        fidelity: Stages of each trial. If None, all epochs are assumed to take the same time.
        exempt: Number of trials that the scheduler neither pauses nor stops.
        trained: Epochs already trained, for each trial that an earlier start interrupted.
    """
    training = statistics.fmean(train_images / speed.train for speed in speeds.values())
    validating = statistics.fmean(val_images / speed.validate for speed in speeds.values())
    epoch = training + validating
    costs = epoch_costs(fidelity, training / epoch) if fidelity else None
    epochs = expected_epochs(num_samples, scheduler, costs, exempt, trained)
    # Trials reuse the workers, so that each worker starts once.
    return START_SECONDS + epoch * epochs / min(concurrent, num_samples)


def expected_final_seconds(
    speeds: Speeds,
    options: SearchOptions,
    train_images: int,
    val_images: int,
    test_images: int,
    concurrent: int,
) -> float:
    """Return the expected wall time of the final runs and of the ensemble in seconds.

    Args:
        speeds: Speeds of a worker at the image size of the search, keyed by architecture.
        options: Options of the search.
        train_images: Number of training images of a final run.
        val_images: Number of validation images of a trial.
        test_images: Number of test images.
        concurrent: Number of concurrent final runs, at least 1.
    """
    if not options.final_seeds:
        return 0.0
    most = CandidateLimits(len(speeds), options.finalists).count
    candidates = min(most, -(-options.num_samples // len(speeds)))
    classified = [each.validate for each in speeds.values() for _ in range(candidates)]
    trained = options.final_run_epochs * train_images
    seconds = [
        START_SECONDS + trained / each.train + test_images / each.validate
        for each in speeds.values()
    ]
    runs = options.final_seeds * options.finalists
    final = time_on_workers([each for each in seconds for _ in range(runs)], concurrent)
    return final + expected_ensemble_seconds(classified, val_images, test_images, concurrent)


def expected_ensemble_seconds(
    speeds: Iterable[float], val_images: int, test_images: int, concurrent: int
) -> float:
    """Return the expected wall time of the selection and the test of an ensemble in seconds.

    Half of the candidates, and the slowest ones, are expected to become members. Only members are
    tested.

    Args:
        speeds: Number of images that a worker classifies per second, for each candidate.
        val_images: Number of validation images that each candidate classifies.
        test_images: Number of test images that each member classifies.
        concurrent: Number of candidates evaluated at the same time, at least 1.
    """
    slowest_first = sorted(speeds)
    members = slowest_first[: math.ceil(MEMBER_SHARE * len(slowest_first))]
    return time_on_workers(
        [val_images / speed for speed in slowest_first], concurrent
    ) + time_on_workers([test_images / speed for speed in members], concurrent)


def time_on_workers(durations: Iterable[float], workers: int) -> float:
    """Return the wall time in seconds of tasks that each start on the first free worker.

    Args:
        durations: Durations of the tasks in seconds, in the order in which they start.
        workers: Number of workers, at least 1.
    """
    free_at = [0.0] * workers
    for seconds in durations:
        heapq.heapreplace(free_at, free_at[0] + seconds)
    return max(free_at)


def expected_epochs(
    num_samples: int,
    scheduler: SchedulerOptions,
    costs: Sequence[float] | None = None,
    exempt: int = 0,
    trained: Sequence[int] = (),
) -> float:
    """Return the number of epochs that all trials of a search are expected to train in total.

    The scheduler is simulated with trials of random quality, whose ranking is the same after each
    epoch.

    Args:
        num_samples: Number of trials.
        scheduler: Options of the scheduler.
        costs: Cost of each epoch of a trial. If None, each epoch costs 1.
        exempt: Number of trials that the scheduler neither pauses nor stops.
        trained: Epochs already trained, for each of the trials that has started. They are
            subtracted; each trial is expected to train at least one more.

    Returns:
        Expected number of epochs, or the sum of their costs if costs are given.
    """

    def cost(epochs: int) -> float:
        return epochs if costs is None else sum(costs[:epochs])

    exempt = min(exempt, num_samples)
    total = exempt * cost(scheduler.max_epochs)
    if num_samples > exempt:
        total += _simulated_cost(num_samples - exempt, scheduler, cost)
    return max(total - sum(map(cost, trained)), num_samples * cost(1))


def _simulated_cost(
    num_samples: int, scheduler: SchedulerOptions, cost: Callable[[int], float]
) -> float:
    """Return the cost of the epochs of all trials, by a simulation of the scheduler."""
    rng = Random(0)  # noqa: S311 - a simulation, not a secret
    simulate = scheduler_class(scheduler.name).simulate
    count = min(num_samples, SIMULATED_TRIALS)
    simulations = [sum(map(cost, simulate(scheduler, count, rng))) for _ in range(SIMULATIONS)]
    return statistics.fmean(simulations) * num_samples / count
