"""Announcement of the expected duration before a search starts its trials."""

from collections.abc import Callable, Sequence

from rich.console import Console

from tune_mnist.console import print_facts
from tune_mnist.data import DataSplit
from tune_mnist.durations import approximately, clock
from tune_mnist.tuning.planning.estimate import (
    expected_epochs,
    expected_final_seconds,
    expected_seconds,
)
from tune_mnist.tuning.planning.search_context import SearchContext
from tune_mnist.tuning.planning.speeds import PROBE_SECONDS, NotMeasuredError, Speeds


def announce_time(
    console: Console,
    context: SearchContext,
    data: DataSplit,
    trials: int,
    measure: Callable[[], Speeds],
    left: Callable[[], float] | None = None,
    exempt: int = 0,
    trained: Sequence[int] = (),
) -> float | None:
    """Print how long a search and its final evaluation are expected to take.

    Args:
        console: Console to print to.
        context: Context of the search.
        data: Training and validation data of the trials.
        trials: Number of trials still to run.
        measure: Function that measures the speeds of a worker, or raises NotMeasuredError.
        left: Function that returns the seconds left for trials and final runs. None if the search
            has no ``--budget``.
        exempt: Number of trials still to run that the scheduler neither pauses nor stops.
        trained: Epochs already trained, for each of these trials that has started.

    Returns:
        Time limit of the trials in seconds, or None if there is no limit.
    """
    options, scheduling = context.options, context.options.scheduling_for(context.space)
    try:
        with console.status("measuring the speed of a worker"):
            speeds = measure()
    except NotMeasuredError as error:
        _print(console, f"unknown: the speed of a worker could not be measured: {error}")
        return left() if left is not None else options.time_budget
    concurrent = context.workers.concurrent
    seconds = expected_seconds(
        speeds,
        len(data.train),
        len(data.val),
        trials,
        scheduling,
        concurrent,
        context.settings.fidelity,
        exempt,
        trained,
    )
    epochs = round(expected_epochs(trials, scheduling, exempt=exempt, trained=trained))
    # The estimate ignores the test images, because the context does not contain their number.
    final = expected_final_seconds(
        speeds, options, context.final_images, len(data.val), 0, concurrent
    )
    measured = ", ".join(f"{model} {speed.train:,.0f}" for model, speed in speeds.items())
    budget = options.time_budget if left is None else max(left() - final, 0.0)
    limit = ""
    if budget is not None and seconds > budget:
        limit = f", cut off by the time budget after {clock(budget)}"
    runs = f", then {approximately(final)} for the final runs" if final else ""
    _print(
        console,
        f"{approximately(seconds)} for about {epochs} epoch{'s' * (epochs != 1)} of trials{limit}"
        f"{runs}; a rough figure, from the speed of one worker in {PROBE_SECONDS:g} s: {measured}"
        " images/s",
    )
    return budget


def _print(console: Console, text: str) -> None:
    print_facts(console, {f"{'expected':<10}": text})
    console.print()
