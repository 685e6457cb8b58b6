"""Syne Tune's ASHA: random configurations, stopped early."""

from typing import Any

import click
from syne_tune.optimizer.baselines import ASHA

from benchmarks.versus.contestant import Task, common_options
from benchmarks.versus.syne_tune_search import search
from tune_mnist.command import run


@click.command()
@common_options
def main(**options: Any) -> None:
    """Search with Syne Tune's ASHA."""
    search(Task(**options), ASHA)


if __name__ == "__main__":
    run(main)
