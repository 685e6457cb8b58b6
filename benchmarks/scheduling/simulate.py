"""Compare searchers and schedulers on recorded learning curves, in simulated time.

    nice -n 15 python -m benchmarks.scheduling.simulate

Runs many searches of equal epoch budget for each method and number of workers, and writes the mean
regret over time to ``regret.md`` (tables) and ``regret.csv`` (full curves).

The searches run in two worlds: the table of ``record_curves``, and a larger table with predicted
curves (``surrogate``). Each simulated search has a random part of its world and its own seeds. All
methods get the same parts, so they can be compared pairwise. A suggestion is moved to the nearest
configuration that has not been tried yet (``table_sampler``, ``metric``).

The incumbent is the configuration with the highest val_accuracy so far, after any epoch. Its
regret is the best final val_accuracy in the part minus the final val_accuracy of the incumbent.
Before the first epoch, the incumbent has chance-level accuracy.
"""

import multiprocessing
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from itertools import product
from pathlib import Path

import click
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmarks.scheduling.curves import CHANCE, Curves, load_curves
from benchmarks.scheduling.methods import METHODS, Task
from benchmarks.scheduling.metric import foretelling_error, learn_weights, pairwise
from benchmarks.scheduling.record_curves import SPACE, TABLE
from benchmarks.scheduling.simulation import Event, SimulatedSearch
from benchmarks.scheduling.surrogate import explained_variance, imitate
from tune_mnist.command import run
from tune_mnist.files import write_text
from tune_mnist.tuning.spaces.space import SearchSpace, load_space

WORKERS = (2, 8, 32)
# The budget of n trials is enough for stopping them half way, on average. Larger
# searches would exhaust the recorded table.
RECORDED_TRIALS = (16, 32)
IMITATED_TRIALS = (16, 64)
IMITATED = 2000
REFERENCE = "random + stopping"
OPPONENT = "Ray's own TPE + stopping"
# Each search uses this share of the table, so that no single configuration decides all of them.
SHARE = 0.75
SHOWN = (0.1, 0.25, 0.5, 0.75, 1.0)
SHARES = np.linspace(0, 1.5, 61)
RESAMPLES = 2000


@dataclass(frozen=True)
class World:
    """World in which searches run.

    Attributes:
        space: Search space.
        curves: Configurations and their learning curves.
        weights: Weight of each parameter in the distance between configurations, float64 (P,).
        trials: Numbers of trials of the searches.
    """

    space: SearchSpace
    curves: Curves
    weights: NDArray[np.float64]
    trials: tuple[int, ...]


@dataclass(frozen=True)
class Setting:
    """Kind of search. Repetitions of the same kind have different values of ``index``."""

    world: str
    trials: int
    workers: int
    method: str
    index: int


@dataclass(frozen=True)
class Outcome:
    """Outcome of a simulated search.

    Attributes:
        times: Times at which the incumbent may have changed, ascending, float64 (K,).
        regrets: Regret from each of these times on, float64 (K,).
        tried: Number of started configurations.
        finished: Number of configurations trained to the last epoch.
        seconds: Total simulated time.
    """

    times: NDArray[np.float64]
    regrets: NDArray[np.float64]
    tried: int
    finished: int
    seconds: float

    def at(self, time: float) -> float:
        """Return the regret at a simulated time in seconds."""
        return float(self.regrets[np.searchsorted(self.times, time, side="right") - 1])


def simulate(setting: Setting, worlds: dict[str, World]) -> Outcome:
    """Run one simulated search."""
    world = worlds[setting.world]
    rng = np.random.default_rng(setting.index)
    everything = len(world.curves.configurations)
    part = world.curves.take(rng.choice(everything, round(SHARE * everything), replace=False))
    task = Task(
        space=world.space,
        configurations=part.configurations,
        weights=world.weights,
        max_epochs=part.epochs,
        workers=setting.workers,
        num_samples=setting.trials,
        seed=setting.index,
    )
    budget = setting.trials * part.epochs // 2
    components = METHODS[setting.method](task)
    return _outcome(part, SimulatedSearch(part, components, setting.workers, budget).run())


def _outcome(curves: Curves, events: list[Event]) -> Outcome:
    final = curves.final
    incumbents = [event.incumbent for event in events]
    reached = [CHANCE, *(CHANCE if row is None else final[row] for row in incumbents)]
    return Outcome(
        times=np.array([0.0, *(event.ended for event in events)]),
        regrets=final.max() - np.array(reached),
        tried=len({event.row for event in events}),
        finished=sum(event.epoch == curves.epochs for event in events),
        seconds=events[-1].ended,
    )


def mean_interval(values: Iterable[float]) -> tuple[float, float, float]:
    """Return the mean, and both ends of its 95% bootstrap interval (percentile method)."""
    sample = np.array(list(values))
    rng = np.random.default_rng(0)
    means = rng.choice(sample, (RESAMPLES, len(sample))).mean(axis=1)
    low, high = np.percentile(means, [2.5, 97.5])
    return float(sample.mean()), float(low), float(high)


def create_worlds(table: Path, space: SearchSpace) -> dict[str, World]:
    """Build the worlds from the recorded table."""
    recorded = load_curves(table, space)
    weights = learn_weights(recorded, space)
    imitated = imitate(recorded, space, IMITATED, seed=1)
    return {
        "recorded": World(space, recorded, weights, RECORDED_TRIALS),
        "imitated": World(space, imitated, weights, IMITATED_TRIALS),
    }


def describe(world: World) -> str:
    """Describe the recorded world, its parameter weights and the accuracy of the surrogate."""
    curves, space, weights = world.curves, world.space, world.weights
    pairs = pairwise(curves, space)
    named = ", ".join(
        f"{name} {weight:.2f}" for name, weight in zip(space.parameters, weights, strict=True)
    )
    alike = np.full(len(weights), 1 / len(weights))
    accuracy = np.nan_to_num(curves.accuracy, nan=CHANCE)
    any_two = np.abs(accuracy[:, None] - accuracy[None]).mean()
    return (
        f"{len(curves.configurations)} recorded configurations; weights of parameters: {named}."
        f" The val_accuracy of a configuration and of its nearest neighbour differ by"
        f" {foretelling_error(curves, pairs, weights):.3f} on average over all epochs"
        f" ({foretelling_error(curves, pairs, alike):.3f} were all parameters to weigh the same,"
        f" {any_two:.3f} between any two). The imitated curves explain"
        f" {explained_variance(curves, space):.0%} of the variance of final accuracies held out."
        " Regrets are percentage points of val_accuracy, with 95% intervals."
    )


class Comparison:
    """Outcomes of all settings, and the tables that show them.

    Args:
        outcomes: Outcomes by setting.
    """

    def __init__(self, outcomes: dict[Setting, Outcome]) -> None:
        self._outcomes = outcomes
        kinds = [(setting.world, setting.trials, setting.workers) for setting in outcomes]
        self._kinds = list(dict.fromkeys(kinds))

    def to_frame(self) -> pd.DataFrame:
        """Return the mean regret of each method at many points in time."""
        rows = []
        for kind, method in product(self._kinds, METHODS):
            total = self._reference_seconds(kind)
            for share in SHARES:
                found = [outcome.at(share * total) for outcome in self._of(kind, method)]
                rows.append((*kind, method, share, share * total, *mean_interval(found)))
        columns = ["world", "trials", "workers", "method", "time_share", "seconds"]
        return pd.DataFrame(rows, columns=[*columns, "regret", "low", "high"])

    def to_markdown(self) -> str:
        """Return a table for each world, budget and number of workers."""
        return "\n".join(self._table(kind) for kind in self._kinds)

    def _of(self, kind: tuple[str, int, int], method: str) -> list[Outcome]:
        return [
            outcome
            for s, outcome in self._outcomes.items()
            if (s.world, s.trials, s.workers) == kind and s.method == method
        ]

    def _reference_seconds(self, kind: tuple[str, int, int]) -> float:
        return float(np.mean([outcome.seconds for outcome in self._of(kind, REFERENCE)]))

    def _table(self, kind: tuple[str, int, int]) -> str:
        world, trials, workers = kind
        header = ["method", *(f"{share:.0%} of the time" for share in SHOWN)]
        header += [f"at the end, less {OPPONENT}", "tried", "finished"]
        lines = [f"### {world}, budget of {trials} trials, {workers} workers", "", _line(header)]
        lines.append(_line(["---"] + ["---:"] * (len(header) - 1)))
        lines += [self._line(kind, method) for method in METHODS]
        return "\n".join([*lines, ""])

    def _line(self, kind: tuple[str, int, int], method: str) -> str:
        total = self._reference_seconds(kind)
        found, opponents = self._of(kind, method), self._of(kind, OPPONENT)
        cells = [_interval(outcome.at(share * total) for outcome in found) for share in SHOWN]
        pairs = zip(found, opponents, strict=True)
        cells.append(_interval(one.regrets[-1] - other.regrets[-1] for one, other in pairs))
        cells.append(f"{np.mean([outcome.tried for outcome in found]):.0f}")
        cells.append(f"{np.mean([outcome.finished for outcome in found]):.1f}")
        return _line([method, *cells])


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _interval(values: Iterable[float]) -> str:
    mean, low, high = (100 * number for number in mean_interval(values))
    return f"{mean:.2f} ({low:.2f} to {high:.2f})"


@click.command()
@click.option(
    "--searches",
    type=int,
    default=50,
    show_default=True,
    help="Number of repetitions of each kind of search.",
)
@click.option("--processes", type=int, default=1, show_default=True)
@click.option("--table", type=click.Path(path_type=Path), default=TABLE, show_default=True)
@click.option(
    "--output-dir", type=click.Path(path_type=Path), default=TABLE.parent, show_default=True
)
def main(searches: int, processes: int, table: Path, output_dir: Path) -> None:
    """Compare searchers and schedulers on recorded learning curves."""
    worlds = create_worlds(table, load_space(str(SPACE)))
    settings = [
        Setting(name, trials, workers, method, index)
        for name, world in worlds.items()
        for trials, workers, method, index in product(
            world.trials, WORKERS, METHODS, range(searches)
        )
    ]
    with multiprocessing.get_context("fork").Pool(processes) as pool:
        outcomes = pool.map(partial(simulate, worlds=worlds), settings, chunksize=5)
    comparison = Comparison(dict(zip(settings, outcomes, strict=True)))
    comparison.to_frame().to_csv(output_dir / "regret.csv", index=False, float_format="%.5g")
    report = f"{describe(worlds['recorded'])}\n\n{comparison.to_markdown()}"
    write_text(output_dir / "regret.md", report)
    click.echo(report)


if __name__ == "__main__":
    run(main)
