"""Record the curves from which a portfolio is chosen.

    nice -n 10 python -m benchmarks.portfolio.record --fashion-dir FOLDER

Trains configurations on several data sets. The configurations are the baselines of ``wide.yaml``,
and random ones from ``narrow.yaml`` and ``wide.yaml``. ``lenet_curves.csv``, with one row per
epoch, is written after each training run, so an interrupted recording resumes.
``--fashion-dir`` names a folder with the four IDX files of Fashion-MNIST, such as the folder of
Debian's package ``dataset-fashion-mnist``.

A configuration that diverges has no accuracy after the last finite epoch.
"""

import multiprocessing
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import click
import pandas as pd
import torch

from benchmarks.scheduling.record_curves import draw_configurations
from benchmarks.searching import Rows
from tune_mnist.command import run
from tune_mnist.data import Dataset, DataSplit, load_dataset, split_dataset
from tune_mnist.training import DivergedError, TrainConfig, Trainer, resolve_compute
from tune_mnist.tuning.spaces.space import SearchSpace, load_space

MODEL = "lenet"
SEED = 0
"""Random seed of weights and batches."""

TRAIN_IMAGES, VAL_IMAGES = 12_000, 3_000
EPOCHS = {"fashion": 5, "digits": 20, "mnist": 5}
"""Number of epochs on each data set; more on the digits, which have only 1,150 images."""

BASELINES = 1_000
"""Number of the first baseline."""

CURVES = Path(__file__).with_name(f"{MODEL}_curves.csv")


@dataclass(frozen=True)
class Draw:
    """Random configurations from one space file of this benchmark.

    Attributes:
        space: Name of the space file. The shipped space may change, but the curves do not.
        first: Number of the first configuration in the table.
        count: Number of configurations.
        seed: Random seed of the configurations.
    """

    space: str
    first: int
    count: int
    seed: int

    @property
    def numbers(self) -> range:
        """Numbers of the configurations in the table."""
        return range(self.first, self.first + self.count)


WIDE = Draw("wide", first=0, count=32, seed=0)
"""Customary ranges, which were those of the shipped space before this recording."""

NARROW = Draw("narrow", first=100, count=24, seed=1)
"""Ranges in which the recorded configurations learn; includes the ``onecycle`` schedule."""


def own_space(name: str) -> SearchSpace:
    """Load a search space of this benchmark."""
    return load_space(str(Path(__file__).with_name(f"{name}.yaml")))


def configurations() -> dict[int, dict[str, Any]]:
    """Return the parameters of each configuration, keyed by number, in the order of recording."""
    found = dict(enumerate(own_space(WIDE.space).baselines, BASELINES))
    for draw in (NARROW, WIDE):
        drawn = draw_configurations(own_space(draw.space), draw.count, draw.seed)
        found |= dict(zip(draw.numbers, drawn, strict=True))
    return found


def load(name: str, fashion: Path) -> Dataset:
    """Load one of the data sets.

    Args:
        name: Name of the data set, a key of EPOCHS.
        fashion: Folder of Fashion-MNIST.
    """
    return load_dataset("mnist", fashion) if name == "fashion" else load_dataset(name)


def split(dataset: Dataset) -> DataSplit:
    """Split a data set into TRAIN_IMAGES and VAL_IMAGES images, or all images of a small one."""
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
        parameters: Hyperparameters of the configuration.
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


@cache
def _data(name: str, fashion: Path) -> DataSplit:
    return split(load(name, fashion))


def _record(job: tuple[int, dict[str, Any], str, Path]) -> pd.DataFrame:
    torch.set_num_threads(1)
    number, parameters, name, fashion = job
    return train(number, parameters, name, _data(name, fashion))


@click.command()
@click.option("--fashion-dir", type=click.Path(path_type=Path), required=True)
@click.option("--at-most", type=int, default=0, help="Maximum training runs of this call; 0: all.")
@click.option("--processes", type=int, default=2, show_default=True)
@click.option("--table", type=click.Path(path_type=Path), default=CURVES, show_default=True)
def main(fashion_dir: Path, at_most: int, processes: int, table: Path) -> None:
    """Record the curves of LeNet configurations on several data sets."""
    table.parent.mkdir(parents=True, exist_ok=True)
    rows = Rows(table)
    done = (
        set() if rows.frame.empty else {*zip(rows.frame.dataset, rows.frame.number, strict=True)}
    )
    missing = [
        (number, parameters, name, fashion_dir)
        for number, parameters in configurations().items()
        for name in EPOCHS
        if (name, number) not in done
    ]
    # Fresh processes: PyTorch's threads do not survive a fork.
    with multiprocessing.get_context("spawn").Pool(processes) as pool:
        for curve in pool.imap_unordered(_record, missing[: at_most or None]):
            rows.add(curve)
            first = curve.iloc[0]
            click.echo(f"#{first.number} {first.dataset}: {curve.val_accuracy.max():.4f}")
    click.echo(f"{len(missing[at_most:]) if at_most else 0} training runs are missing")


if __name__ == "__main__":
    run(main)
