"""Record the curves from which a portfolio is chosen.

    nice -n 10 python -m benchmarks.portfolio.record --fashion-dir FOLDER

draws configurations at random from ``search_spaces/lenet.yaml``, trains each on several data sets,
and writes ``lenet_curves.csv``, one row per epoch, after each training run. A recording that was
interrupted continues where it ended. Fashion-MNIST is a folder with four IDX files, such as that
of Debian's ``dataset-fashion-mnist``.

A configuration that diverges has no accuracy from that epoch on.
"""

from dataclasses import replace
from pathlib import Path
from typing import Any

import click
import numpy as np
import pandas as pd
import torch

from benchmarks.scheduling.record_curves import draw_configurations
from benchmarks.searching import Rows
from tune_mnist.command import run
from tune_mnist.data import Dataset, DataSplit, load_dataset, split_dataset
from tune_mnist.training import DivergedError, TrainConfig, Trainer, resolve_compute
from tune_mnist.tuning.spaces.space import load_space

MODEL = "lenet"
SEED = 0
TRAIN_IMAGES, VAL_IMAGES = 12_000, 3_000
EPOCHS = {"fashion": 5, "rotated": 5, "digits": 20, "mnist": 5}
"""Epochs by data set. The digits are 1,150 images, so they get more."""

CURVES = Path(__file__).with_name(f"{MODEL}_curves.csv")


def load(name: str, fashion: Path | None) -> Dataset:
    """Return a data set to record on.

    Args:
        name: A key of EPOCHS; ``rotated`` is MNIST, inverted and rotated by a right angle.
        fashion: Folder of Fashion-MNIST.
    """
    if name == "fashion":
        return load_dataset("mnist", fashion)
    if name != "rotated":
        return load_dataset(name)
    mnist = load_dataset("mnist")

    def changed(images: Any) -> Any:
        return np.ascontiguousarray(255 - np.rot90(images, axes=(1, 2)))

    return replace(
        mnist,
        name=name,
        train_images=changed(mnist.train_images),
        test_images=changed(mnist.test_images),
    )


def split(dataset: Dataset) -> DataSplit:
    """Return TRAIN_IMAGES and VAL_IMAGES of a data set, or all of a small one."""
    whole = split_dataset(dataset)
    return split_dataset(
        dataset,
        min(1.0, TRAIN_IMAGES / len(whole.train)),
        min(1.0, VAL_IMAGES / len(whole.val)),
    )


def train(number: int, parameters: dict[str, Any], name: str, data: DataSplit) -> pd.DataFrame:
    """Train one configuration on one data set; return its rows of the table.

    Args:
        number: Number of the configuration.
        parameters: Its hyperparameters.
        name: Name of the data set.
        data: The data set.
    """
    config = TrainConfig.checked(model=MODEL, max_epochs=EPOCHS[name], seed=SEED, **parameters)
    trainer = Trainer(config, data, resolve_compute("cpu", "fp32"))
    rows, diverged = [], False
    for epoch in range(1, EPOCHS[name] + 1):
        accuracy = float("nan")
        if not diverged:
            try:
                accuracy = round(trainer.run_epoch().val_accuracy, 5)
            except DivergedError:
                diverged = True
        row = {"dataset": name, "number": number, "epoch": epoch, "val_accuracy": accuracy}
        rows.append(row | parameters)
    return pd.DataFrame(rows)


@click.command()
@click.option("--fashion-dir", type=click.Path(path_type=Path), required=True)
@click.option("--configurations", type=int, default=32, show_default=True)
@click.option("--at-most", type=int, default=0, help="Training runs of this call; 0: all.")
@click.option("--table", type=click.Path(path_type=Path), default=CURVES, show_default=True)
def main(fashion_dir: Path, configurations: int, at_most: int, table: Path) -> None:
    """Record the curves of random LeNet configurations on several data sets."""
    torch.set_num_threads(1)
    table.parent.mkdir(parents=True, exist_ok=True)
    rows = Rows(table)
    done = (
        set() if rows.frame.empty else {*zip(rows.frame.dataset, rows.frame.number, strict=True)}
    )
    missing = [
        (number, parameters, name)
        for number, parameters in enumerate(
            draw_configurations(load_space(MODEL), configurations, SEED)
        )
        for name in EPOCHS
        if (name, number) not in done
    ]
    data: dict[str, DataSplit] = {}
    for number, parameters, name in missing[: at_most or None]:
        if name not in data:
            data[name] = split(load(name, fashion_dir))
        curve = train(number, parameters, name, data[name])
        rows.add(curve)
        click.echo(f"#{number} {name}: {curve.val_accuracy.max():.4f}")
    click.echo(f"{len(missing[at_most:]) if at_most else 0} training runs are missing")


if __name__ == "__main__":
    run(main)
