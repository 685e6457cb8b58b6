"""Run all contestants in turn and compare them: ``python -m benchmarks.versus.run``.

Each search is a separate command, and only one search runs at a time. The order of the contestants
rotates from seed to seed. A search is ended as soon as its best val_accuracy reaches
``--until-accuracy``, or after ``--at-most`` seconds. ``<output>/runs.csv`` and
``<output>/epochs.csv`` are written after each search, so an interrupted benchmark resumes.
"""

import re
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import pandas as pd

from benchmarks.tables import show_and_write
from benchmarks.versus.anytime import anytime_curves, at_times
from benchmarks.versus.anytime_plot import draw
from benchmarks.versus.bounded_run import BoundedRun, run_bounded
from benchmarks.versus.contestant import HEADER
from benchmarks.versus.contestants import (
    ALL,
    MODULES,
    NONE,
    OURS,
    SYNE,
    USUAL,
    WITH_PORTFOLIO,
    Contestant,
    contestants,
    in_turn,
)
from benchmarks.versus.data_checksum import data_checksum
from benchmarks.versus.recording import Recording
from benchmarks.versus.summary import summarise, times_to_target
from tune_mnist.command import run
from tune_mnist.files import write_text

RESULTS = Path(__file__).with_name("results")
TARGETS = {"mnist": 0.98, "fashion-mnist": 0.88, "digits": 0.9}
"""Default of ``--until-accuracy`` for each data set."""

TABLE_STEP = 15
"""Distance of the times in the table of the anytime curves, in seconds."""


@dataclass(frozen=True)
class Comparison:
    """Settings shared by all runs of a comparison.

    Attributes:
        options: Options of each contestant.
        until_accuracy: val_accuracy that ends a run.
        at_most: Maximum wall time of a run in seconds.
        output: Folder of the tables and logs.
        syne_python: Python interpreter of Syne Tune's contestants.
    """

    options: list[str]
    until_accuracy: float
    at_most: float
    output: Path
    syne_python: str | None

    def search(self, contestant: Contestant, seed: int) -> tuple[BoundedRun, pd.DataFrame]:
        """Run one search; return how it ended, and a row per epoch."""
        python = self.syne_python if contestant.module in SYNE else None
        log = self.output / "logs" / f"{contestant.name}-{seed}.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory() as folder:
            epochs = Path(folder) / "epochs.csv"
            write_text(epochs, HEADER + "\n")
            command = [
                *(python or sys.executable, "-m", f"benchmarks.versus.{contestant.module}"),
                *("--seed", str(seed), *self.options, "--output", str(epochs)),
                "--portfolio" if contestant.portfolio else "--no-portfolio",
            ]
            name = f"{contestant.name}, seed {seed}"
            ended = run_bounded(
                command,
                log,
                name,
                lambda: best_accuracy(epochs) >= self.until_accuracy,
                self.at_most,
            )
            return ended, read_epochs(epochs)


def read_epochs(path: Path) -> pd.DataFrame:
    """Read the epochs that a contestant has reported."""
    return pd.read_csv(path, dtype={"trial": str})


def best_accuracy(path: Path) -> float:
    """Return the best val_accuracy that a contestant has reported, or NaN if there is none."""
    return float(read_epochs(path)["val_accuracy"].max())


def seed_range(_context: object, _option: object, text: str) -> list[int]:
    """Parse seeds such as ``0-7`` or ``0,2,5-6``.

    Raises:
        click.BadParameter: The text is not of this form, or a range is empty.
    """
    if not re.fullmatch(r"\d+(-\d+)?(,\d+(-\d+)?)*", text):
        raise click.BadParameter(f"'{text}' is not a list of seeds such as 0-7 or 0,2,5")
    found: list[int] = []
    for part in text.split(","):
        low, _, high = part.partition("-")
        seeds = range(int(low), int(high or low) + 1)
        if not seeds:
            raise click.BadParameter(f"'{part}' is an empty range: give {high}-{low}")
        found += seeds
    return found


@click.command()
@click.option(
    "--contestant",
    "modules",
    multiple=True,
    type=click.Choice(MODULES),
    help="Contestant; may be repeated.  [default: all, Syne Tune's only with --syne-python]",
)
@click.option("--seeds", callback=seed_range, default="0-7", show_default=True)
@click.option("--num-samples", type=int, default=16, show_default=True)
@click.option("--max-epochs", type=int, default=6, show_default=True)
@click.option("--dataset", type=click.Choice(list(TARGETS)), default="mnist", show_default=True)
@click.option(
    "--fashion-dir",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Folder with the four IDX files of Fashion-MNIST.  [default: downloaded]",
)
@click.option(
    "--workers", type=int, default=2, show_default=True, help="Number of concurrent trials."
)
@click.option("--device", type=click.Choice(["cpu", "cuda"]), default="cpu", show_default=True)
@click.option(
    "--until-accuracy",
    type=float,
    help="val_accuracy that ends a run.  [default: 0.98; fashion-mnist 0.88, digits 0.9]",
)
@click.option(
    "--at-most", type=float, default=150, show_default=True, help="Seconds after which a run ends."
)
@click.option(
    "--portfolio-for-all",
    "portfolio",
    flag_value=ALL,
    default=USUAL,
    help="Hand the shipped portfolio to every contestant as its first configurations.",
)
@click.option(
    "--no-portfolio", "portfolio", flag_value=NONE, help="Let no contestant use the portfolio."
)
@click.option("--syne-python", help="Python interpreter with syne-tune and this project.")
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    help="Output folder.  [default: results/<dataset> beside this script]",
)
def main(
    modules: tuple[str, ...],
    seeds: list[int],
    dataset: str,
    fashion_dir: Path | None,
    until_accuracy: float | None,
    at_most: float,
    portfolio: str,
    syne_python: str | None,
    output: Path | None,
    **search: Any,
) -> None:
    """Compare the same search with several tools."""
    target = TARGETS[dataset] if until_accuracy is None else until_accuracy
    output = (output or RESULTS / dataset).absolute()
    common = {"dataset": dataset, **search}
    options = [f"--{name.replace('_', '-')}={value}" for name, value in common.items()]
    if fashion_dir:
        if dataset != "fashion-mnist":
            raise click.UsageError(f"--fashion-dir does not apply to --dataset {dataset}")
        options.append(f"--data-dir={fashion_dir.absolute()}")
    comparison = Comparison(options, target, at_most, output, syne_python)
    limits = {"until_accuracy": target, "at_most_seconds": at_most}
    settings = {**common, "data": data_checksum(dataset, fashion_dir), **limits}
    recording = Recording(output, settings)
    available = [each for each in MODULES if syne_python or each not in SYNE]
    chosen = contestants(modules or tuple(available), portfolio)
    for seed in seeds:
        for contestant in in_turn(chosen, seed):
            if not recording.has(contestant.name, seed):
                ended, epochs = comparison.search(contestant, seed)
                recording.add(contestant.name, seed, ended, epochs)
                click.echo(
                    f"{contestant.name}, seed {seed}: {ended.ending}, {ended.wall_seconds:.1f} s"
                )
    title = (
        f"{dataset}, LeNet on {search['device']}, {search['workers']} workers,"
        f" {search['num_samples']} trials x {search['max_epochs']} epochs. Each search was ended"
        f" at val_accuracy {target:g} or after {at_most:g} s; a search that did not reach it"
        f" counts as {at_most:g} s, which is a lower bound"
    )
    write_results(recording, output, target, title)


def write_results(recording: Recording, output: Path, target: float, title: str) -> None:
    """Write the summary and the anytime curves of all recorded runs.

    Args:
        recording: Recorded runs, at least one.
        output: Folder of the tables.
        target: val_accuracy that ended the runs.
        title: Title of the tables.
    """
    times = times_to_target(recording.runs, recording.epochs)
    write_text(output / "times.csv", times.to_csv(index=False))
    show_and_write(summarise(times), output / "summary", f"{title}. Medians over the seeds")
    curves = anytime_curves(recording.runs, recording.epochs)
    write_text(output / "curves.csv", curves.to_csv(index=False))
    quartiles = "Best val_accuracy so far, median (quartiles) over the seeds"
    show_and_write(at_times(curves, TABLE_STEP), output / "anytime", f"{title}. {quartiles}")
    equal = curves["contestant"].str.endswith(WITH_PORTFOLIO)
    pictures = {
        "anytime.svg": curves[~equal],
        "anytime-with-portfolio.svg": curves[equal | (curves["contestant"] == OURS)],
    }
    heading = "Best validation accuracy so far: median and quartiles"
    for name, shown in pictures.items():
        if len(shown):
            write_text(output / name, draw(shown, target, heading))


if __name__ == "__main__":
    run(main)
