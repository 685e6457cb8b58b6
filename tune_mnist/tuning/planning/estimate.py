"""How long a search will take, simulated before it starts."""

import heapq
import statistics
from collections.abc import Iterable, Sequence
from random import Random

from tune_mnist.data import DataSplit
from tune_mnist.training import Fidelity
from tune_mnist.tuning.planning.speeds import Speeds
from tune_mnist.tuning.schedulers.options import SchedulerOptions
from tune_mnist.tuning.schedulers.registry import scheduler_class
from tune_mnist.tuning.spaces.stages import epoch_costs

SIMULATIONS = 20
SIMULATED_TRIALS = 100


def expected_seconds(
    speeds: Speeds,
    data: DataSplit,
    num_samples: int,
    scheduler: SchedulerOptions,
    concurrent: int,
    fidelity: Fidelity | None = None,
) -> float:
    """Return the expected wall time of a search whose trials fall evenly on the architectures.

    Args:
        speeds: by architecture, at the search's image size.
        data: the split that trials are trained on.
        num_samples: how many trials.
        scheduler: stops them early.
        concurrent: how many run at a time.
        fidelity: their stages; None: all epochs cost the same.
    """
    training = statistics.fmean(len(data.train) / speed.train for speed in speeds.values())
    validating = statistics.fmean(len(data.val) / speed.validate for speed in speeds.values())
    epoch = training + validating
    costs = epoch_costs(fidelity, training / epoch) if fidelity else None
    epochs = expected_epochs(num_samples, scheduler, costs)
    return epoch * epochs / min(concurrent, num_samples)


def time_on_workers(durations: Iterable[float], workers: int) -> float:
    """Return the wall time of tasks of these durations, each begun by the first free worker."""
    free_at = [0.0] * workers
    for seconds in durations:
        heapq.heapreplace(free_at, free_at[0] + seconds)
    return max(free_at)


def expected_epochs(
    num_samples: int, scheduler: SchedulerOptions, costs: Sequence[float] | None = None
) -> float:
    """Return how many epochs the scheduler lets a search train in all, on average.

    The scheduler's own rules decide about trials of random quality that keep their order.

    Args:
        num_samples: Number of trials.
        scheduler: Options of the scheduler.
        costs: Cost of each epoch of a trial; None: one each.
    """
    rng = Random(0)  # noqa: S311 - a simulation, not a secret
    simulate = scheduler_class(scheduler.name).simulate
    count = min(num_samples, SIMULATED_TRIALS)
    epochs = statistics.fmean(
        sum(trained if costs is None else sum(costs[:trained]) for trained in simulated)
        for simulated in (simulate(scheduler, count, rng) for _ in range(SIMULATIONS))
    )
    return epochs * num_samples / count
