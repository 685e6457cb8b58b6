"""Command: run a search (``python -m tune_mnist.search``)."""

import shlex
import sys
import time
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from tune_mnist.command import INTERRUPTED, duration, run
from tune_mnist.errors import UserError
from tune_mnist.files import write_text
from tune_mnist.reporting.tables import compare, to_markdown
from tune_mnist.tuning.experiment import Ending, Outcome, run_search
from tune_mnist.tuning.options import SearchOptions
from tune_mnist.tuning.records import TrialState
from tune_mnist.tuning.results_folder import read_experiment
from tune_mnist.tuning.space import load_space

DEFAULT_SPACE = "lenet"
LOG_WIDTH = 160


@click.command()
@click.option("--space", help="Name or path of a space file.  [default: lenet]")
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
@click.option("--searcher", help="tpe, random, gp, cmaes, qmc or grid.  [default: tpe]")
@click.option(
    "--scheduler", help="asha, asha-stopping, hyperband, median or none.  [default: asha]"
)
@click.option("--grace-period", type=int, help="Epochs that every trial gets.  [default: 1]")
@click.option("--reduction-factor", type=int, help="The best of how many go on.  [default: 3]")
@click.option("--brackets", type=int, help="Of ASHA.  [default: 1]")
@click.option("--objective", help="val_accuracy[,parameters|,train_seconds].")
@click.option(
    "--warm-start", type=click.Path(path_type=Path), help="Results folder to learn from."
)
@click.option("--max-failures", type=int, help="Times a dead trial is tried again.  [default: 2]")
@click.option(
    "--resume",
    is_flag=False,
    flag_value="",
    metavar="[FOLDER]",
    help="Go on with the search in this results folder, or in that of --name.",
)
@click.option("--precision", help="auto, fp32 or bf16.  [default: auto]")
@click.option("--device", help="auto, cpu or cuda.  [default: auto]")
def search(
    space: str | None, name: str | None, output_dir: Path, resume: str | None, **given: Any
) -> int:
    """Search a space of hyperparameters and compare the best trials."""
    console = Console()
    if not console.is_terminal:
        console.width = LOG_WIDTH
    if resume is None:
        chosen = load_space(space or DEFAULT_SPACE)
        directory = output_dir / (name or f"{chosen.name}-{time.strftime('%Y%m%d-%H%M%S')}")
        options = SearchOptions.for_space(chosen, **given)
        outcome = run_search(chosen, options, directory, console)
    else:
        directory = _folder_to_resume(resume, name, output_dir)
        earlier = read_experiment(directory)
        chosen = earlier.search_space(directory)
        if space is not None and load_space(space).text != earlier.space.text:
            raise UserError(
                f"--space {space}: differs from the space {earlier.space.name} that {directory}"
                " was begun with: leave the option out, or begin another search"
            )
        options = earlier.options_with(chosen, given)
        outcome = run_search(chosen, options, directory, console, earlier)
    _report(console, directory, outcome)
    if outcome.ending is Ending.DISK_FULL:
        raise UserError(
            f"{outcome.detail}: make room, then go on with --resume {directory}; all that has"
            " ended is kept"
        )
    return INTERRUPTED if outcome.ending is Ending.INTERRUPTED else 0


def _folder_to_resume(resume: str, name: str | None, output_dir: Path) -> Path:
    if resume and name:
        raise UserError(f"--resume {resume} --name {name}: give the folder or the name, not both")
    if not resume and not name:
        raise UserError("--resume: which search? give its folder, or its --name")
    return Path(resume) if resume else output_dir / str(name)


def _report(console: Console, directory: Path, outcome: Outcome) -> None:
    """Show the tables and write them to ``summary.md``."""
    tables = compare(outcome.trials, outcome.full_val_accuracy)
    failed = outcome.trials[outcome.trials["reason"] != ""]
    failures = [f"#{row.trial} {row.state}: {row.reason}" for row in failed.itertuples()]
    command = "python -m tune_mnist.search " + shlex.join(sys.argv[1:])
    facts = {**outcome.facts, "command": f"`{command.strip()}`"}
    if outcome.ending is not Ending.DISK_FULL:
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
    if outcome.ending in (Ending.INTERRUPTED, Ending.OUT_OF_TIME):
        console.print(
            f"to go on: python -m tune_mnist.search --resume {shlex.quote(str(directory))}",
            markup=False,
            soft_wrap=True,
        )


if __name__ == "__main__":
    run(search)
