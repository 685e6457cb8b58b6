"""Rank correlation between cheap and expensive training.

    python -m benchmarks.fidelity.rank_correlation --fidelity 28:0.015 --top 112:0.015

Samples random configurations from each model's shipped space and trains each of them at every
fidelity, from fresh weights. The epochs of each run are added to
``<output>/trained-<dataset>-<seed>.csv`` after the run, so an interrupted benchmark resumes. For
each model, fidelity and epoch, the table has the seconds per configuration, and Spearman's rank
correlation over the configurations between their val_accuracy and the val_accuracy after the last
epoch at the top fidelity.

All configurations are validated on the same images, at the image size of their training. A
configuration that diverges ranks last.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import pandas as pd
import torch

from benchmarks.scheduling.record_curves import draw_configurations
from benchmarks.searching import Rows
from benchmarks.tables import show_and_write
from tune_mnist.command import run
from tune_mnist.data import Dataset, load_dataset, split_dataset
from tune_mnist.errors import UserError
from tune_mnist.training import DivergedError, TrainConfig, Trainer, resolve_compute
from tune_mnist.tuning.spaces.space import load_space

OUTPUT = Path("results/bench/fidelity")
DIVERGED = -1.0
KEY = ["model", "config", "image_size", "fraction", "epochs", "val_fraction"]


@dataclass(frozen=True)
class Level:
    """Fidelity of a training: image size and amount of data.

    Attributes:
        image_size: Side of the images in pixels.
        fraction: Share of the training part, above 0, up to 1.
    """

    image_size: int
    fraction: float

    @classmethod
    def parse(cls, text: str) -> "Level":
        """Parse a fidelity such as ``64:0.1``.

        Raises:
            UserError: The text does not have the form ``<image size>:<fraction>``.
        """
        size, _, fraction = text.partition(":")
        try:
            return cls(int(size), float(fraction))
        except ValueError:
            raise UserError(
                f"fidelity '{text}': a fidelity is an image size and a fraction, such as 64:0.1"
            ) from None


@dataclass(frozen=True)
class Run:
    """Training of a configuration at a fidelity.

    Attributes:
        model: Name of the architecture.
        number: Number of the configuration among the sampled ones.
        level: Fidelity.
        epochs: Number of epochs.
        val_fraction: Share of the validation part, above 0, up to 1.
        parameters: Hyperparameters of the configuration.
    """

    model: str
    number: int
    level: Level
    epochs: int
    val_fraction: float
    parameters: dict[str, Any]

    def __str__(self) -> str:
        return f"{self.model} #{self.number} at {self.level.image_size}:{self.level.fraction:g}"

    @property
    def key(self) -> dict[str, Any]:
        """Values of the KEY columns, which identify the training."""
        level = self.level
        values = (self.model, self.number, level.image_size, level.fraction)
        return dict(zip(KEY, (*values, self.epochs, self.val_fraction), strict=True))

    def train(self, dataset: Dataset, seed: int, threads: int) -> pd.DataFrame:
        """Train the configuration; return a row per epoch."""
        torch.set_num_threads(threads)
        config = TrainConfig.checked(
            model=self.model,
            image_size=self.level.image_size,
            max_epochs=self.epochs,
            seed=seed,
            **self.parameters,
        )
        data = split_dataset(dataset, self.level.fraction, self.val_fraction)
        trainer = Trainer(config, data, resolve_compute("cpu"))
        rows, diverged = [], False
        for epoch in range(1, self.epochs + 1):
            accuracy, seconds = DIVERGED, 0.0
            if not diverged:
                try:
                    metrics = trainer.run_epoch()
                    accuracy, seconds = metrics.val_accuracy, metrics.epoch_seconds
                except DivergedError:
                    diverged = True
            rows.append({"epoch": epoch, "val_accuracy": accuracy, "seconds": round(seconds, 3)})
        return pd.DataFrame(rows).assign(**self.key)


def correlations(rows: pd.DataFrame, top: Level) -> pd.DataFrame:
    """Return a row for each model, fidelity and epoch.

    Args:
        rows: Row per epoch: model, config, image_size, fraction, epoch, val_accuracy, seconds.
        top: Fidelity whose last epoch the other fidelities and epochs are compared with.

    Returns:
        Spearman's rank correlation, the number of configurations in the best quarter of both
        rankings, and the mean seconds up to the epoch, also as a share of the seconds at the top
        fidelity.
    """
    found = []
    for model, of_model in rows.groupby("model", sort=False):
        levels = of_model.groupby(["image_size", "fraction"])
        at_top = levels.get_group((top.image_size, top.fraction))
        final = at_top[at_top["epoch"] == at_top["epoch"].max()].set_index("config")
        full_seconds = at_top.groupby("config")["seconds"].sum().mean()
        for (size, fraction), of_level in levels:
            for epoch, of_epoch in of_level.groupby("epoch"):
                values = of_epoch.set_index("config")["val_accuracy"]
                both = values.index.intersection(final.index)
                quarter = max(1, len(both) // 4)
                best = [
                    set(each.loc[both].nlargest(quarter).index)
                    for each in (values, final["val_accuracy"])
                ]
                seconds = of_level[of_level["epoch"] <= epoch].groupby("config")["seconds"].sum()
                found.append(
                    {
                        "model": model,
                        "image_size": size,
                        "fraction": fraction,
                        "epoch": epoch,
                        "configs": len(both),
                        "spearman": values[both].corr(
                            final.loc[both, "val_accuracy"], method="spearman"
                        ),
                        "best_quarter_found": len(best[0] & best[1]) / quarter,
                        "seconds": seconds.mean(),
                        "share_of_time": seconds.mean() / full_seconds,
                    }
                )
    return pd.DataFrame(found)


@click.command()
@click.option("--model", "models", multiple=True, default=("resnet", "alexnet"), show_default=True)
@click.option("--configs", type=int, default=20, show_default=True)
@click.option(
    "--fidelity",
    "lower",
    multiple=True,
    default=("28:0.015", "64:0.015"),
    show_default=True,
    help="Cheaper fidelity, as image size:fraction; may be repeated.",
)
@click.option(
    "--top", default="112:0.015", show_default=True, help="Fidelity to compare the others with."
)
@click.option("--epochs", type=int, default=3, show_default=True)
@click.option("--val-fraction", type=float, default=0.05, show_default=True)
@click.option("--seed", type=int, default=0, show_default=True)
@click.option("--threads", type=int, default=2, show_default=True)
@click.option("--dataset", default="mnist", show_default=True)
@click.option("--output", type=click.Path(path_type=Path), default=OUTPUT, show_default=True)
def main(
    models: tuple[str, ...],
    configs: int,
    lower: tuple[str, ...],
    top: str,
    epochs: int,
    val_fraction: float,
    seed: int,
    threads: int,
    dataset: str,
    output: Path,
) -> None:
    """Measure how well cheap fidelities rank configurations."""
    levels = [Level.parse(text) for text in (*lower, top)]
    images = load_dataset(dataset)
    output.mkdir(parents=True, exist_ok=True)
    rows = Rows(output / f"trained-{dataset}-{seed}.csv", KEY)
    runs = [
        Run(model, number, level, epochs, val_fraction, parameters)
        for model in models
        for number, parameters in enumerate(draw_configurations(load_space(model), configs, seed))
        for level in levels
    ]
    for planned in runs:
        if (rows.frame[KEY] == pd.Series(planned.key)).all(axis=1).any():
            continue
        new = planned.train(images, seed, threads)
        rows.add(new)
        click.echo(f"{planned}: {new['val_accuracy'].iloc[-1]:.4f}, {new['seconds'].sum():.1f} s")
    asked = rows.frame.merge(pd.DataFrame([planned.key for planned in runs]), on=KEY)
    title = (
        f"{dataset}: rank correlation with {epochs} epochs at {top} over {configs} configurations,"
        f" seed {seed}, val_fraction {val_fraction:g}, {threads} threads"
    )
    stem = output / "rank-correlation"
    show_and_write(correlations(asked, levels[-1]), stem, title)


if __name__ == "__main__":
    run(main)
