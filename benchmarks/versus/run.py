"""Run all contestants and compare them: ``python -m benchmarks.versus.run``.

Each search is a separate command, and only one search runs at a time. The order of the contestants
rotates from seed to seed. ``<output>/epochs.csv`` has every epoch of every search and is written
after each search, so an interrupted benchmark resumes.
"""

import sys
from pathlib import Path

import click
import pandas as pd

from benchmarks.searching import Rows, run_logged
from benchmarks.tables import show_and_write
from benchmarks.versus.summary import summarise
from tune_mnist.command import run

CONTESTANTS = ("ours", "ray_tune", "optuna_alone", "syne_tune_asha")
OUTPUT = Path(__file__).with_name("results")


def search(
    contestant: str, seed: int, options: list[str], output: Path, python: str
) -> pd.DataFrame:
    """Run one search of a contestant.

    Args:
        contestant: Name of the contestant, one of CONTESTANTS.
        seed: Seed of the search.
        options: Further options of the command.
        output: Folder for the log and the rows of the search.
        python: Python interpreter.

    Returns:
        A row per epoch, with the wall time of the whole command.
    """
    stem = output / f"{contestant}-{seed}"
    command = [
        *(python, "-m", f"benchmarks.versus.{contestant}", "--seed", str(seed)),
        *(*options, "--output", str(stem.with_suffix(".csv"))),
    ]
    wall = run_logged(command, stem.with_suffix(".log"), f"{contestant}, seed {seed}")
    rows = pd.read_csv(stem.with_suffix(".csv"), dtype={"trial": str})
    return rows.assign(contestant=contestant, seed=seed, wall_seconds=round(wall, 2))


def in_turn(contestants: tuple[str, ...], seed: int) -> tuple[str, ...]:
    """Return the contestants in an order that depends on the seed."""
    first = seed % len(contestants)
    return contestants[first:] + contestants[:first]


@click.command()
@click.option(
    "--contestant",
    "contestants",
    multiple=True,
    type=click.Choice(CONTESTANTS),
    help="Contestant; may be repeated.  [default: all, Syne Tune only with --syne-python]",
)
@click.option("--seeds", type=int, default=5, show_default=True, help="Number of seeds.")
@click.option("--num-samples", type=int, default=16, show_default=True)
@click.option("--max-epochs", type=int, default=6, show_default=True)
@click.option("--dataset", default="mnist", show_default=True)
@click.option(
    "--workers", type=int, default=2, show_default=True, help="Number of concurrent trials."
)
@click.option("--device", type=click.Choice(["cpu", "cuda"]), default="cpu", show_default=True)
@click.option("--target", type=float, default=0.98, show_default=True, help="Target val_accuracy.")
@click.option("--syne-python", help="Python interpreter with syne-tune and this project.")
@click.option("--output", type=click.Path(path_type=Path), default=OUTPUT, help="Output folder.")
def main(
    contestants: tuple[str, ...],
    seeds: int,
    num_samples: int,
    max_epochs: int,
    dataset: str,
    workers: int,
    device: str,
    target: float,
    syne_python: str | None,
    output: Path,
) -> None:
    """Compare the same search with several tools."""
    chosen = contestants or CONTESTANTS[: 4 if syne_python else 3]
    options = [
        *("--num-samples", str(num_samples), "--max-epochs", str(max_epochs)),
        *("--dataset", dataset, "--workers", str(workers), "--device", device),
    ]
    output = output.absolute()
    output.mkdir(parents=True, exist_ok=True)
    rows = Rows(output / "epochs.csv", ["contestant", "seed"], dtype={"trial": str})
    done = set(zip(rows.frame["contestant"], rows.frame["seed"], strict=True))
    for seed in range(seeds):
        for contestant in in_turn(chosen, seed):
            if (contestant, seed) in done:
                continue
            syne = contestant == "syne_tune_asha"
            python = syne_python if syne and syne_python else sys.executable
            found = search(contestant, seed, options, output, python)
            rows.add(found)
            click.echo(f"{contestant}, seed {seed}: {found['wall_seconds'].iloc[0]} s")
    title = (
        f"{dataset}, LeNet on {device}, {workers} workers, {num_samples} trials x {max_epochs}"
        f" epochs, {seeds} seeds, medians; ratios to ray_tune"
    )
    show_and_write(summarise(rows.frame, target), output / "summary", title)


if __name__ == "__main__":
    run(main)
