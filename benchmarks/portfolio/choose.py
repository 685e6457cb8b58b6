"""Choose a portfolio from recorded curves: ``python -m benchmarks.portfolio.choose``.

The regret of a set of configurations on a data set is the difference between the best accuracy
that was recorded on the data set and the best final accuracy of the set. The choice is greedy, as
in Auto-sklearn 2.0 and Syne Tune's zero-shot transfer: the next configuration is the one that
lowers the mean regret over all data sets most. The candidates are the random configurations that
lie in the shipped space. A configuration whose mean regret is higher than that of the best
baseline is never chosen.

``judgement.csv`` shows how well a choice works on unseen data. For each data set, it compares the
regret of a portfolio chosen on the other data sets with the regrets of the baselines and of as
many random configurations. The shipped portfolio is chosen on all data sets.
"""

from collections.abc import Collection
from pathlib import Path
from typing import Any

import click
import numpy as np
import pandas as pd
import yaml
from numpy.typing import NDArray

from benchmarks.portfolio.record import BASELINES, CURVES, MODEL, NARROW, WIDE, configurations
from benchmarks.tables import show_and_write
from tune_mnist.command import run
from tune_mnist.files import write_text
from tune_mnist.tuning.spaces.space import load_space, shipped_spaces

SIZE = 4
JUDGED_SIZES = (2, 4)
MIN_SPREAD = 0.05
"""Minimum range of the recorded accuracies for a data set to be informative about a choice."""

LEARNED = 0.2
"""Minimum accuracy of a configuration that has learned; chance is 0.1 on all data sets."""

RANDOM_DRAWS = 2_000
FOLDER = Path(__file__).parent


def final_accuracies(curves: pd.DataFrame) -> pd.DataFrame:
    """Return the final accuracy by number of the configuration and data set.

    Args:
        curves: Table of ``record``. Configurations that are not recorded on all data sets are
            left out; one that diverged has accuracy 0.
    """
    last = curves.sort_values("epoch").groupby(["number", "dataset"]).tail(1)
    table = last.assign(val_accuracy=last.val_accuracy.fillna(0.0)).pivot_table(
        index="number", columns="dataset", values="val_accuracy"
    )
    return table.dropna()


def regrets(accuracies: pd.DataFrame) -> NDArray[np.float64]:
    """Return the regret of each configuration on each data set."""
    values = accuracies.to_numpy()
    return np.asarray(values.max(axis=0) - values)


def choose(accuracies: pd.DataFrame, candidates: Collection[int], size: int) -> list[int]:
    """Choose configurations greedily; return their numbers in the order of choice.

    A configuration whose mean regret is higher than that of the best baseline is not chosen.

    Args:
        accuracies: Final accuracies of ``final_accuracies``.
        candidates: Numbers of the configurations that may be chosen.
        size: Maximum number of configurations.
    """
    # To compare data sets, the regret is divided by the range of accuracies on the data set.
    share = regrets(accuracies) / np.ptp(accuracies.to_numpy(), axis=0)
    table = pd.DataFrame(share, index=accuracies.index)
    mean = table.mean(axis=1)
    limit = mean[mean.index >= BASELINES].min()
    left = [n for n in table.index if n in candidates and not mean[n] > limit]
    best = np.ones(table.shape[1])
    chosen: list[int] = []
    while left and len(chosen) < size:
        means = np.minimum(table.loc[left], best).mean(axis=1)
        # If no configuration lowers the regret further, the best single configuration follows.
        order = np.lexsort((mean.loc[left], means.round(9)))
        chosen.append(int(left.pop(int(order[0]))))
        best = np.minimum(best, table.loc[chosen[-1]].to_numpy())
    return chosen


def judge(accuracies: pd.DataFrame, candidates: Collection[int], size: int) -> pd.DataFrame:
    """Return the regret on each data set of a portfolio that is chosen on the other data sets.

    Args:
        accuracies: Final accuracies of ``final_accuracies``.
        candidates: Numbers of the configurations that may be chosen.
        size: Number of configurations.
    """
    numbers = accuracies.index
    groups = {
        "baselines": numbers[numbers >= BASELINES],
        "random, narrow": numbers[numbers.isin(NARROW.numbers)],
        "random, wide": numbers[numbers.isin(WIDE.numbers)],
    }
    rng = np.random.default_rng(0)
    rows = []
    for name in accuracies.columns:
        chosen = choose(accuracies.drop(columns=name), candidates, size)
        regret = accuracies[name].max() - accuracies[name]
        rows.append(
            {
                "data set": name,
                "size": size,
                "best recorded": accuracies[name].max(),
                "portfolio": regret.loc[chosen].min() if chosen else float("nan"),
            }
            | {
                group: _mean_regret(regret.loc[members].to_numpy(), size, rng)
                for group, members in groups.items()
            }
        )
    return pd.DataFrame(rows).round(4)


def _mean_regret(
    regrets_of_group: NDArray[np.float64], size: int, rng: np.random.Generator
) -> float:
    """Return the mean regret of random sets of a size, or of all members of a smaller group."""
    if not len(regrets_of_group):
        return float("nan")
    if len(regrets_of_group) <= size:
        return float(regrets_of_group.min())
    draws = [rng.choice(regrets_of_group, size, replace=False).min() for _ in range(RANDOM_DRAWS)]
    return float(np.mean(draws))


def shares_at_chance(accuracies: pd.DataFrame, shipped: Collection[int]) -> pd.DataFrame:
    """Return the share of random configurations that have not learned, by draw and data set.

    Args:
        accuracies: Final accuracies of ``final_accuracies``.
        shipped: Numbers of the configurations that lie in the shipped space.
    """
    numbers = accuracies.index
    narrow = numbers[numbers.isin(NARROW.numbers)]
    draws = {
        "wide.yaml": numbers[numbers.isin(WIDE.numbers)],
        "narrow.yaml": narrow,
        "narrow.yaml, in the shipped space": narrow[narrow.isin(shipped)],
    }
    return pd.DataFrame(
        {"configurations of": draw, "count": len(members)}
        | (accuracies.loc[members] < LEARNED).mean().round(2).to_dict()
        for draw, members in draws.items()
    )


def portfolio_text(chosen: list[dict[str, Any]], candidates: int, datasets: list[str]) -> str:
    """Return the content of the portfolio file.

    Args:
        chosen: Hyperparameters of the chosen configurations, in the order of choice.
        candidates: Number of configurations to choose from.
        datasets: Names of the data sets on which the configurations were chosen.
    """
    content: dict[str, Any] = {
        "description": f"chosen from {candidates} random configurations on"
        f" {', '.join(datasets)} by benchmarks/portfolio/choose.py",
        "model": MODEL,
        "configurations": [
            {name: _plain(value) for name, value in each.items()} for each in chosen
        ],
    }
    return yaml.safe_dump(content, sort_keys=False, width=99, default_flow_style=None)


def _plain(value: Any) -> Any:
    return float(f"{value:.3g}") if isinstance(value, float) else value


@click.command()
@click.option("--size", default=SIZE, show_default=True, help="Number of configurations.")
@click.option("--table", type=click.Path(path_type=Path), default=CURVES, show_default=True)
def main(size: int, table: Path) -> None:
    """Choose the portfolio of LeNet, judge the choice and write both."""
    curves = pd.read_csv(table)
    accuracies = final_accuracies(curves)
    spread = accuracies.max() - accuracies.min()
    accuracies = accuracies.loc[:, spread >= MIN_SPREAD]
    space = load_space(MODEL)
    drawn = {n: each for n, each in configurations().items() if n in accuracies.index}
    candidates = [n for n, each in drawn.items() if n < BASELINES and not space.misfits(each)]
    show_and_write(
        shares_at_chance(accuracies, candidates),
        FOLDER / "at_chance",
        f"Share of configurations below {LEARNED} after the last epoch",
    )
    show_and_write(
        pd.concat(judge(accuracies, candidates, each) for each in JUDGED_SIZES),
        FOLDER / "judgement",
        f"Regret by data set left out; {len(candidates)} candidates",
    )
    chosen = choose(accuracies, candidates, size)
    target = shipped_spaces() / "portfolio" / f"{MODEL}.yaml"
    write_text(
        target,
        portfolio_text([drawn[n] for n in chosen], len(candidates), list(accuracies.columns)),
    )
    click.echo(target.read_text(encoding="utf-8"))


if __name__ == "__main__":
    run(main)
