"""Syne Tune's BOHB: a kernel density estimate of good configurations, stopped early."""

from typing import Any

import click
from syne_tune.optimizer.baselines import BOHB

from benchmarks.versus.contestant import Task, common_options
from benchmarks.versus.syne_tune_search import search
from tune_mnist.command import run


@click.command()
@common_options
def main(**options: Any) -> None:
    """Search with Syne Tune's BOHB."""
    search(Task(**options), BOHB)


if __name__ == "__main__":
    run(main)
