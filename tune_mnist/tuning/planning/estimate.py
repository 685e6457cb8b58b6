"""How long a search will take, simulated before it starts."""

import heapq
import random
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import replace

from tune_mnist.data import DataSplit
from tune_mnist.training import Fidelity
from tune_mnist.tuning.planning.speeds import Speeds
from tune_mnist.tuning.schedulers.rungs import Rungs
from tune_mnist.tuning.schedulers.scheduler import (
    SchedulerOptions,
    StoppingScheduler,
    create_scheduler,
)
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

    The scheduler's own rules are asked, about trials of random quality that keep their order; of
    brackets and workers ASHA has one here, and HyperBand's answer is that of stopping ASHA.

    Args:
        num_samples: how many trials.
        scheduler: stops them.
        costs: what each epoch of a trial counts; None: one.
    """
    rng = random.Random(0)  # noqa: S311 - a simulation, not a secret
    if scheduler.name == "pbt":
        return num_samples * scheduler.max_epochs
    count = min(num_samples, SIMULATED_TRIALS)
    epochs = statistics.fmean(
        sum(trained if costs is None else sum(costs[:trained]) for trained in simulated)
        for simulated in (_simulate(rng, count, scheduler) for _ in range(SIMULATIONS))
    )
    return epochs * num_samples / count


def _simulate(rng: random.Random, num_samples: int, options: SchedulerOptions) -> list[int]:
    """Return the epochs that each trial is trained."""
    if options.name == "asha-promotion":
        return _simulate_promotion(rng, num_samples, options)
    scheduler = create_scheduler(options)
    if not isinstance(scheduler, StoppingScheduler):
        return _simulate(rng, num_samples, replace(options, name="asha-stopping"))
    epochs = [0] * num_samples
    for number in range(num_samples):
        quality = rng.random()
        for epoch in range(1, options.max_epochs + 1):
            epochs[number] = epoch
            if scheduler.replay({number: {epoch: quality}}):
                break
    return epochs


def _simulate_promotion(
    rng: random.Random, num_samples: int, options: SchedulerOptions
) -> list[int]:
    stops = options.rung_epochs
    rungs = Rungs(stops, options.reduction_factor, num_samples)
    qualities = [rng.random() for _ in range(num_samples)]
    epochs = dict.fromkeys(range(num_samples), 0)

    def train(number: int) -> None:
        later = [stop for stop in stops if stop > epochs[number]]
        epochs[number] = later[0] if later else options.max_epochs
        rungs.record(number, epochs[number], qualities[number])

    for number in range(num_samples):
        rungs.add(number)
        train(number)
        while promotable := list(rungs.promotable()):
            train(max(promotable, key=lambda standing: standing.urgency).number)
    while max(epochs.values()) < options.max_epochs:
        train(max(rungs.standing(), key=lambda standing: standing.urgency).number)
    return list(epochs.values())
