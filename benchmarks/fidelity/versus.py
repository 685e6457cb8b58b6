"""Comparison of searches with and without cheaper stages.

    python -m benchmarks.fidelity.versus --stage 2:28 --stage 4:64 --image-size 112

Runs ``python -m tune_mnist.search`` without final runs, on the same space and seeds, in two
settings: plain (ASHA over epochs, all at the final image size) and staged. By default, both
searches have the same number of trials and epochs. Their order alternates from seed to seed. The
epochs of each search are added to ``<output>/epochs.csv`` after the search, so an interrupted
benchmark resumes. The time of a search ends with its last epoch, before its best model is
validated on all images.

The target of a seed is the best val_accuracy of its plain search. A search reaches the target at
its first epoch *at the final fidelity* with at least this accuracy. Times are measured from the
start of the command; Ray stores the time of each epoch in whole seconds.
"""

import hashlib
import math
import shutil
import sys
import time
from pathlib import Path
from typing import Any

import click
import pandas as pd

from benchmarks.epoch_reports import epoch_reports
from benchmarks.searching import Rows, run_logged
from benchmarks.tables import show_and_write
from tune_mnist.command import run
from tune_mnist.errors import UserError
from tune_mnist.files import write_text
from tune_mnist.tuning.spaces.space import load_space

PLAIN, STAGED = "plain", "staged"
OUTPUT = Path("results/bench/fidelity")


def staged_space(text: str, stages: tuple[str, ...]) -> str:
    """Return the text of a space file with stages.

    Args:
        text: Text of the space file without stages.
        stages: Stages as ``epochs:image_size`` or ``epochs:image_size:fraction``.

    Raises:
        UserError: A stage does not have one of these forms.
    """
    lines = [text.rstrip("\n"), "fidelity:"]
    for stage in stages:
        epochs, colon, rest = stage.partition(":")
        if not colon:
            raise UserError(
                f"--stage {stage}: the stage must be a last epoch and an image size, such as 2:28"
            )
        size, *fraction = rest.split(":")
        share = "".join(f", fraction: {each}" for each in fraction)
        lines.append(f"  - {{epochs: {epochs}, image_size: {size}{share}}}")
    return "\n".join(lines) + "\n"


def epochs_of(results: Path, started: float) -> pd.DataFrame:
    """Return the epochs of a search.

    Args:
        results: Results folder.
        started: Start of the command, in seconds since 1970.

    Returns:
        Trial, epoch, stage (0 without stages), val_accuracy, seconds from the start, and
        epoch_seconds.
    """
    rows = [
        {
            "trial": trial,
            "epoch": report["epoch"],
            "stage": report.get("stage", 0),
            "val_accuracy": report["val_accuracy"],
            "seconds": round(report["timestamp"] - started, 1),
            "epoch_seconds": round(report["epoch_seconds"], 2),
        }
        for trial, report in epoch_reports(results)
    ]
    # A trial repeats the report of its last epoch after a pause.
    return pd.DataFrame(rows).sort_values("seconds").drop_duplicates(["trial", "epoch"])


def search(kind: str, space: Path, seed: int, options: list[str], output: Path) -> pd.DataFrame:
    """Run a search, and return its epochs."""
    name = f"{kind}-{seed}"
    shutil.rmtree(output / name, ignore_errors=True)
    started = time.time()
    command = [
        *(sys.executable, "-m", "tune_mnist.search", "--space", str(space)),
        *("--seed", str(seed), "--final-seeds", "0", *options),
        *("--output-dir", str(output), "--name", name),
    ]
    run_logged(command, output / f"{name}.log", name)
    return epochs_of(output / name, started).assign(kind=kind, seed=seed)


def compare(rows: pd.DataFrame, last_stage: int) -> pd.DataFrame:
    """Return one row per seed.

    Args:
        rows: Rows that ``search`` returned for one setting of the options.
        last_stage: Number of the final stage of the staged search.

    Returns:
        Best val_accuracy of the plain search, and the time at which it was reached; time at which
        the staged search reached this accuracy in the last stage (infinite: never), and its best
        accuracy in the last stage; this time as a share of the plain search's time to its best
        accuracy, and as a share of the plain search's total time.
    """
    found = []
    for seed, of_seed in rows.groupby("seed"):
        plain = of_seed[of_seed["kind"] == PLAIN]
        staged = of_seed[of_seed["kind"] == STAGED]
        if plain.empty or staged.empty:
            continue
        final = staged[staged["stage"] == last_stage]
        target = plain["val_accuracy"].max()
        first = plain.loc[plain["val_accuracy"] >= target, "seconds"].min()
        reached = final.loc[final["val_accuracy"] >= target, "seconds"]
        when = float(reached.min()) if len(reached) else math.inf
        found.append(
            {
                "seed": seed,
                "plain_best": target,
                "plain_seconds_to_best": first,
                "plain_seconds": plain["seconds"].max(),
                "plain_epochs": len(plain),
                "staged_best": final["val_accuracy"].max(),
                "staged_seconds_to_plain_best": when,
                "staged_seconds": staged["seconds"].max(),
                "staged_epochs": len(staged),
                "ratio_to_best": when / first,
                "ratio_to_end": when / plain["seconds"].max(),
            }
        )
    return pd.DataFrame(found)


@click.command()
@click.option("--seeds", type=int, default=3, show_default=True, help="Number of seeds.")
@click.option("--space", default="resnet", show_default=True, help="Search space without stages.")
@click.option(
    "--stage",
    "stages",
    multiple=True,
    default=("2:28", "4:64"),
    show_default=True,
    help="Cheaper stage, as last epoch:image size[:fraction]; may be repeated.",
)
@click.option(
    "--image-size",
    type=int,
    default=112,
    show_default=True,
    help="Side of the images in the final stage, in pixels.",
)
@click.option(
    "--fraction", type=float, default=0.03, show_default=True, help="Share of the training part."
)
@click.option("--val-fraction", type=float, default=0.05, show_default=True)
@click.option("--num-samples", type=int, default=12, show_default=True)
@click.option(
    "--staged-samples",
    type=click.IntRange(min=1),
    help="Number of trials of the staged search.  [default: --num-samples]",
)
@click.option("--max-epochs", type=int, default=6, show_default=True)
@click.option(
    "--staged-epochs",
    type=click.IntRange(min=1),
    help="Maximum epochs per trial of the staged search.  [default: --max-epochs]",
)
@click.option("--reduction-factor", type=int, default=3, show_default=True)
@click.option("--cpus-per-trial", type=float, default=1, show_default=True)
@click.option("--dataset", default="mnist", show_default=True)
@click.option("--output", type=click.Path(path_type=Path), default=OUTPUT, show_default=True)
def main(
    seeds: int,
    space: str,
    stages: tuple[str, ...],
    num_samples: int,
    staged_samples: int | None,
    max_epochs: int,
    staged_epochs: int | None,
    output: Path,
    **given: Any,
) -> None:
    """Compare a search with cheaper stages with the same search without stages."""
    output = output.absolute()
    output.mkdir(parents=True, exist_ok=True)
    text = load_space(space).text
    spaces = {kind: output / f"{kind}.yaml" for kind in (PLAIN, STAGED)}
    write_text(spaces[PLAIN], text)
    write_text(spaces[STAGED], staged_space(text, stages))
    load_space(str(spaces[STAGED]))  # reports an invalid stage before hours of searching
    common = [
        word for key, value in given.items() for word in (f"--{key.replace('_', '-')}", str(value))
    ]
    samples = {PLAIN: num_samples, STAGED: staged_samples or num_samples}
    epochs = {PLAIN: max_epochs, STAGED: staged_epochs or max_epochs}
    options = {
        kind: [
            *("--num-samples", str(samples[kind]), "--max-epochs", str(epochs[kind])),
            *common,
        ]
        for kind in (PLAIN, STAGED)
    }
    version = f"{space} ({hashlib.sha256(text.encode()).hexdigest()[:8]})"
    setting = {
        PLAIN: " ".join((version, *options[PLAIN])),
        STAGED: " ".join((version, *options[STAGED], *stages)),
    }
    rows = Rows(output / "epochs.csv", ["kind", "seed", "setting"])
    for seed in range(seeds):
        for kind in (PLAIN, STAGED) if seed % 2 == 0 else (STAGED, PLAIN):
            same = (rows.frame["kind"] == kind) & (rows.frame["seed"] == seed)
            if (same & (rows.frame["setting"] == setting[kind])).any():
                continue
            found = search(kind, spaces[kind], seed, options[kind], output)
            rows.add(found.assign(setting=setting[kind]))
            click.echo(f"{kind}, seed {seed}: {found['seconds'].max()} s")
    asked = rows.frame[rows.frame["setting"] == rows.frame["kind"].map(setting)]
    title = (
        f"{space}: {' '.join(common)}; {samples[PLAIN]} plain trials of up to {epochs[PLAIN]}"
        f" epochs, {samples[STAGED]} staged ones of up to {epochs[STAGED]}, stages"
        f" {', '.join(stages)}, then the final fidelity; times in seconds"
    )
    show_and_write(compare(asked, len(stages) + 1), output / "versus", title)


if __name__ == "__main__":
    run(main)
