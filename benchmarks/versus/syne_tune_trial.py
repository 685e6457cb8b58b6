"""Trial of Syne Tune, started as a process by its local backend."""

import time
from pathlib import Path
from typing import Any

import click
from syne_tune import Reporter

from benchmarks.versus.contestant import EpochLog
from benchmarks.versus.plain_training import PlainTraining
from benchmarks.versus.training_data import data_loaders


@click.command()
@click.option("--lr", type=float, required=True)
@click.option("--lr_schedule", required=True)
@click.option("--batch_size", type=int, required=True)
@click.option("--dropout", type=float, required=True)
@click.option("--optimizer", required=True)
@click.option("--max_epochs", type=int, required=True)
@click.option("--seed", type=int, required=True)
@click.option("--dataset", required=True)
@click.option("--data_dir", type=click.Path(path_type=Path))
@click.option("--output", type=click.Path(path_type=Path), required=True)
@click.option("--started", type=float, required=True)
@click.option("--st_checkpoint_dir", type=click.Path(path_type=Path), required=True)
def main(
    max_epochs: int,
    seed: int,
    dataset: str,
    data_dir: Path | None,
    output: Path,
    started: float,
    st_checkpoint_dir: Path,
    **config: Any,
) -> None:
    """Train a configuration, and report each epoch."""
    report, log = Reporter(), EpochLog(output, started)
    trial = st_checkpoint_dir.parent.name
    data = data_loaders(dataset, data_dir, config["batch_size"])
    for epoch, val_accuracy in PlainTraining(config, data, max_epochs, seed).epochs():
        log.add(trial, epoch, val_accuracy, time.time())
        report(epoch=epoch, val_accuracy=val_accuracy)


if __name__ == "__main__":
    main()
