"""Command: run a search (``python -m tune_mnist.search``)."""

import shlex
import sys
import time
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from tune_mnist.command import INTERRUPTED, duration, run
from tune_mnist.files import write_text
from tune_mnist.reporting.tables import compare, to_markdown
from tune_mnist.tuning.experiment import Ending, Outcome, run_search
from tune_mnist.tuning.options import SearchOptions
from tune_mnist.tuning.records import TrialState
from tune_mnist.tuning.space import load_space

LOG_WIDTH = 160


@click.command()
@click.option("--space", default="lenet", show_default=True, help="Name or path of a space file.")
@click.option("--num-samples", type=int, help="How many trials.  [default: the space's]")
@click.option("--max-epochs", type=int, help="Epochs of a trial that is never stopped.")
@click.option("--fraction", type=float, help="Share of the training part, 0 to 1.")
@click.option("--val-fraction", type=float, help="Share of the validation part, 0 to 1.")
@click.option("--image-size", type=int, help="Side of the images in pixels (LeNet: always 32).")
@click.option("--dataset", help="mnist, fashion-mnist, kmnist or digits.  [default: mnist]")
@click.option(
    "--data-dir", type=click.Path(path_type=Path), help="Folder with the four IDX files."
)
@click.option("--time-budget", type=duration, help="End after this time: 90s, 25m, 2h.")
@click.option("--cpus-per-trial", type=float, help="CPU cores of a trial.  [default: 1]")
@click.option("--gpus-per-trial", type=float, help="GPUs of a trial.  [default: 1 if any]")
@click.option("--max-concurrent", type=int, help="Most trials at a time.")
@click.option("--seed", type=int, help="Of the sampler, weights and batches.  [default: 0]")
@click.option("--name", help="Of the results folder.  [default: space and time]")
@click.option(
    "--output-dir",
    type=click.Path(path_type=Path),
    default=Path("results"),
    show_default=True,
    help="Where results folders lie.",
)
@click.option("--address", help="Ray cluster to use, or 'auto'.  [default: this machine]")
@click.option("--precision", help="auto, fp32 or bf16.  [default: auto]")
@click.option("--device", help="auto, cpu or cuda.  [default: auto]")
def search(space: str, name: str | None, output_dir: Path, **given: Any) -> int:
    """Search a space of hyperparameters and compare the best trials."""
    chosen = load_space(space)
    options = SearchOptions.for_space(chosen, **given)
    directory = output_dir / (name or f"{chosen.name}-{time.strftime('%Y%m%d-%H%M%S')}")
    console = Console()
    if not console.is_terminal:
        console.width = LOG_WIDTH
    outcome = run_search(chosen, options, directory, console)
    _report(console, directory, outcome)
    return INTERRUPTED if outcome.ending is Ending.INTERRUPTED else 0


def _report(console: Console, directory: Path, outcome: Outcome) -> None:
    """Show the tables and write them to ``summary.md``."""
    tables = compare(outcome.trials, outcome.full_val_accuracy)
    failed = outcome.trials[outcome.trials["reason"] != ""]
    failures = [f"#{row.trial} {row.state}: {row.reason}" for row in failed.itertuples()]
    command = "python -m tune_mnist.search " + shlex.join(sys.argv[1:])
    facts = {**outcome.facts, "command": f"`{command.strip()}`"}
    write_text(
        directory / "summary.md",
        to_markdown(f"Search {directory.name}", facts, tables, failures),
    )
    for table in tables:
        console.print(table.to_rich())
    for line in failures:
        console.print(line, markup=False, soft_wrap=True)
    ended = int((outcome.trials["state"] != TrialState.INTERRUPTED).sum())
    console.print(
        f"{outcome.ending.value}: {ended} of {outcome.trials.shape[0]} started trials came to"
        f" their end; results in {directory}: summary.md, trials.csv, best/",
        markup=False,
        soft_wrap=True,
    )


if __name__ == "__main__":
    run(search)
