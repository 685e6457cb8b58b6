"""Compare searchers and schedulers on recorded learning curves, in simulated time.

    nice -n 15 python -m benchmarks.scheduling.simulate

runs many searches of equal epoch budget for each method and number of workers, and writes the mean
regret against time to ``regret.md`` (tables) and ``regret.csv`` (the whole curves).

Each simulated search draws its own part of the table (recorded by ``record_curves``) and its own
seeds; the methods see the same parts, so that they can be compared pair by pair. A proposal is
moved to the nearest configuration not tried yet (``table_sampler``). The incumbent at any time is
the configuration with the highest val_accuracy seen so far, after whatever epoch; its regret is
the best final val_accuracy of the part less its own final one. Before anything is seen the
incumbent is a guess, right once in ten.
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
from tune_mnist.command import run
from tune_mnist.files import write_text
from tune_mnist.tuning.space import SearchSpace, load_space

WORKERS = (2, 8, 32)
# The budget of a search of n trials is what n trials take that are stopped half way on average.
TRIALS = (16, 32)
REFERENCE = "random + stopping"
OPPONENT = "Ray's own TPE + stopping"
# Each search sees this share of the table, so that no single configuration decides them all.
SHARE = 0.75
SHOWN = (0.1, 0.25, 0.5, 0.75, 1.0)
RESAMPLES = 2000


@dataclass(frozen=True)
class Setting:
    """One kind of search; ``index`` tells those apart that differ by chance only."""

    method: str
    workers: int
    trials: int
    index: int


@dataclass(frozen=True)
class Outcome:
    """What a simulated search came to.

    Attributes:
        times: when its incumbent may have changed, ascending, float64 (K,).
        regrets: from each of those times on, float64 (K,).
        tried: how many configurations it began.
        finished: how many it trained to the last epoch.
        seconds: simulated time in all.
    """

    times: NDArray[np.float64]
    regrets: NDArray[np.float64]
    tried: int
    finished: int
    seconds: float

    def at(self, time: float) -> float:
        """Return the regret at a time."""
        return float(self.regrets[np.searchsorted(self.times, time, side="right") - 1])


def simulate(
    setting: Setting, curves: Curves, space: SearchSpace, weights: NDArray[np.float64]
) -> Outcome:
    """Run one simulated search.

    Args:
        setting: which.
        curves: the whole table.
        space: its search space.
        weights: of the parameters when it comes to what is near, float64 (P,).
    """
    rng = np.random.default_rng(setting.index)
    count = round(SHARE * len(curves.configurations))
    part = curves.take(rng.choice(len(curves.configurations), count, replace=False))
    task = Task(
        space=space,
        configurations=part.configurations,
        weights=weights,
        max_epochs=part.epochs,
        workers=setting.workers,
        num_samples=setting.trials,
        seed=setting.index,
    )
    budget = setting.trials * part.epochs // 2
    engine = METHODS[setting.method](task)
    return _outcome(part, SimulatedSearch(part, engine, setting.workers, budget).run())


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
    """Return the mean, and the ends of its 95 % interval by bootstrap (percentiles)."""
    sample = np.array(list(values))
    rng = np.random.default_rng(0)
    means = rng.choice(sample, (RESAMPLES, len(sample))).mean(axis=1)
    low, high = np.percentile(means, [2.5, 97.5])
    return float(sample.mean()), float(low), float(high)


def describe_metric(curves: Curves, space: SearchSpace, weights: NDArray[np.float64]) -> str:
    """Say what is near, and how well the nearest configuration stands in for one."""
    pairs = pairwise(curves, space)
    named = ", ".join(
        f"{name} {weight:.3f}" for name, weight in zip(space.parameters, weights, strict=True)
    )
    alike = np.full(len(weights), 1 / len(weights))
    accuracy = np.nan_to_num(curves.accuracy, nan=CHANCE)
    any_two = np.abs(accuracy[:, None] - accuracy[None]).mean()
    return (
        f"{len(curves.configurations)} configurations. Weights of the parameters: {named}."
        f" The val_accuracy of a configuration and of its nearest neighbour differ by"
        f" {foretelling_error(curves, pairs, weights):.3f} on average over all epochs"
        f" ({foretelling_error(curves, pairs, alike):.3f} were all parameters to weigh the same,"
        f" {any_two:.3f} between any two)."
    )


class Comparison:
    """The outcomes of all settings, and the tables that show them.

    Args:
        outcomes: by setting.
    """

    def __init__(self, outcomes: dict[Setting, Outcome]) -> None:
        self._outcomes = outcomes
        self._groups = sorted({(setting.trials, setting.workers) for setting in outcomes})

    def to_frame(self) -> pd.DataFrame:
        """Return the mean regret of each method at many times."""
        rows = []
        for trials, workers in self._groups:
            total = self._reference_seconds(trials, workers)
            for method, share in product(METHODS, np.linspace(0, 1.5, 61)):
                found = self._of(method, trials, workers)
                mean, low, high = mean_interval(o.at(share * total) for o in found)
                rows.append((trials, workers, method, share, share * total, mean, low, high))
        columns = ["trials", "workers", "method", "time_share", "seconds", "regret", "low", "high"]
        return pd.DataFrame(rows, columns=columns)

    def to_markdown(self) -> str:
        """Return a table for each budget and number of workers."""
        return "\n".join(self._table(trials, workers) for trials, workers in self._groups)

    def _of(self, method: str, trials: int, workers: int) -> list[Outcome]:
        wanted = (method, trials, workers)
        return [o for s, o in self._outcomes.items() if (s.method, s.trials, s.workers) == wanted]

    def _reference_seconds(self, trials: int, workers: int) -> float:
        return float(np.mean([o.seconds for o in self._of(REFERENCE, trials, workers)]))

    def _table(self, trials: int, workers: int) -> str:
        total = self._reference_seconds(trials, workers)
        header = ["method", *(f"{share:.0%} of time" for share in SHOWN), "end"]
        header += [f"end, less {OPPONENT}", "tried", "finished", "time"]
        lines = [f"### {workers} workers, budget of {trials} trials", "", _line(header)]
        lines.append(_line(["---"] + ["---:"] * (len(header) - 1)))
        opponents = self._of(OPPONENT, trials, workers)
        for method in METHODS:
            found = self._of(method, trials, workers)
            ends = [o.regrets[-1] for o in found]
            cells = [_interval(o.at(share * total) for o in found) for share in SHOWN]
            cells.append(_interval(ends))
            pairs = zip(ends, opponents, strict=True)
            cells.append(_interval(end - other.regrets[-1] for end, other in pairs))
            cells += [f"{np.mean([o.tried for o in found]):.0f}"]
            cells += [f"{np.mean([o.finished for o in found]):.1f}"]
            cells += [f"{np.mean([o.seconds for o in found]):.0f} s"]
            lines.append(_line([method, *cells]))
        return "\n".join([*lines, ""])


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _interval(values: Iterable[float]) -> str:
    mean, low, high = (100 * number for number in mean_interval(values))
    return f"{mean:.2f} ({low:.2f} to {high:.2f})"


@click.command()
@click.option("--searches", type=int, default=50, show_default=True, help="Of each kind.")
@click.option("--processes", type=int, default=1, show_default=True)
@click.option("--table", type=click.Path(path_type=Path), default=TABLE, show_default=True)
@click.option(
    "--output-dir", type=click.Path(path_type=Path), default=TABLE.parent, show_default=True
)
def main(searches: int, processes: int, table: Path, output_dir: Path) -> None:
    """Compare searchers and schedulers on recorded learning curves."""
    space = load_space(SPACE)
    curves = load_curves(table, space)
    weights = learn_weights(curves, space)
    settings = [
        Setting(method, workers, trials, index)
        for trials, workers, method, index in product(TRIALS, WORKERS, METHODS, range(searches))
    ]
    with multiprocessing.get_context("fork").Pool(processes) as pool:
        search = partial(simulate, curves=curves, space=space, weights=weights)
        outcomes = pool.map(search, settings, chunksize=5)
    comparison = Comparison(dict(zip(settings, outcomes, strict=True)))
    comparison.to_frame().to_csv(output_dir / "regret.csv", index=False, float_format="%.5g")
    report = f"{describe_metric(curves, space, weights)}\n\n{comparison.to_markdown()}"
    write_text(output_dir / "regret.md", report)
    click.echo(report)


if __name__ == "__main__":
    run(main)
