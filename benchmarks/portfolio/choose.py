"""Choose a portfolio from recorded curves: ``python -m benchmarks.portfolio.choose``.

The regret of a set of configurations on a data set is the distance of its best final accuracy from
the best one that was recorded there. The choice is greedy, as in Auto-sklearn 2.0 and Syne Tune's
zero-shot transfer: the next configuration is the one that lowers the mean regret over the data
sets most.

``judgement.csv`` says what the choice is worth on data that it has not seen: for each data set the
regret of the portfolio chosen from the others, beside that of as many random configurations. The
shipped file is chosen from all data sets.
"""

from pathlib import Path
from typing import Any

import click
import numpy as np
import pandas as pd
import yaml
from numpy.typing import NDArray

from benchmarks.portfolio.record import CURVES, MODEL
from benchmarks.tables import show_and_write
from tune_mnist.command import run
from tune_mnist.files import write_text
from tune_mnist.tuning.spaces.space import load_space, shipped_spaces

SIZE = 4
MIN_SPREAD = 0.05
"""Data sets on which all recorded accuracies lie closer say nothing about a choice."""

RANDOM_DRAWS = 2_000
STEM = Path(__file__).with_name("judgement")


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


def choose(accuracies: pd.DataFrame, size: int) -> list[int]:
    """Return the numbers of the configurations chosen greedily, in their order.

    Args:
        accuracies: Final accuracies of ``final_accuracies``.
        size: Number of configurations.
    """
    table = regrets(accuracies)
    # Accuracies of different data sets are compared in shares of what there is to gain.
    table = table / table.max(axis=0)
    best = np.ones(table.shape[1])
    chosen: list[int] = []
    for _ in range(min(size, len(table))):
        means = np.minimum(table, best).mean(axis=1)
        means[chosen] = np.inf
        # Where no configuration improves on those chosen, the best one by itself follows.
        chosen.append(int(np.lexsort((table.mean(axis=1), means.round(9)))[0]))
        best = np.minimum(best, table[chosen[-1]])
    return [int(accuracies.index[row]) for row in chosen]


def judge(accuracies: pd.DataFrame, size: int) -> pd.DataFrame:
    """Return the regret of a portfolio on each data set, chosen from the other data sets.

    Args:
        accuracies: Final accuracies of ``final_accuracies``.
        size: Number of configurations.
    """
    rng = np.random.default_rng(0)
    rows = []
    for name in accuracies.columns:
        chosen = choose(accuracies.drop(columns=name), size)
        finals = accuracies[name]
        draws = [
            finals.max() - finals.iloc[rng.choice(len(finals), size, replace=False)].max()
            for _ in range(RANDOM_DRAWS)
        ]
        rows.append(
            {
                "data set": name,
                "configurations": len(finals),
                "best recorded": finals.max(),
                "regret of the portfolio": finals.max() - finals.loc[chosen].max(),
                "regret of its first": finals.max() - finals.loc[chosen[0]],
                "regret at random, mean": np.mean(draws),
                "regret at random, median": np.median(draws),
            }
        )
    return pd.DataFrame(rows).round(4)


def portfolio_text(curves: pd.DataFrame, chosen: list[int], datasets: list[str]) -> str:
    """Return the content of the portfolio file.

    Args:
        curves: Table of ``record``.
        chosen: Numbers of the configurations.
        datasets: Names of the data sets that the choice is from.
    """
    names = load_space(MODEL).parameter_names
    first = curves.drop_duplicates("number").set_index("number")
    content: dict[str, Any] = {
        "description": f"chosen from {first.shape[0]} random configurations on"
        f" {', '.join(datasets)} by benchmarks/portfolio/choose.py",
        "model": MODEL,
        "configurations": [
            {name: _plain(value) for name, value in values.items() if name in names}
            for values in (first.loc[number].dropna().to_dict() for number in chosen)
        ],
    }
    return yaml.safe_dump(content, sort_keys=False, width=99, default_flow_style=None)


def _plain(value: Any) -> Any:
    if isinstance(value, np.integer):
        return int(value)
    if isinstance(value, float | np.floating):
        return float(f"{float(value):.3g}")
    return value


@click.command()
@click.option("--size", default=SIZE, show_default=True, help="Number of configurations.")
@click.option("--table", type=click.Path(path_type=Path), default=CURVES, show_default=True)
def main(size: int, table: Path) -> None:
    """Choose the portfolio of LeNet, judge the choice and write both."""
    curves = pd.read_csv(table)
    accuracies = final_accuracies(curves)
    spread = accuracies.max() - accuracies.min()
    accuracies = accuracies.loc[:, spread >= MIN_SPREAD]
    curves = curves[curves.number.isin(accuracies.index)]
    show_and_write(
        judge(accuracies, size), STEM, f"Regret of {size} configurations, by data set left out"
    )
    chosen = choose(accuracies, size)
    target = shipped_spaces() / "portfolio" / f"{MODEL}.yaml"
    write_text(target, portfolio_text(curves, chosen, list(accuracies.columns)))
    click.echo(target.read_text(encoding="utf-8"))


if __name__ == "__main__":
    run(main)
