"""Effect of initial weights on configurations: ``python -m benchmarks.initialisation``.

Trains random configurations of each network's shipped space twice from the same seed: with
PyTorch's default initial weights, and with weights derived from the activation. The table has the
share of configurations that exceed chance level after one epoch and after the last epoch, and the
best accuracy.
"""

from pathlib import Path
from typing import Any

import click
import optuna
import pandas as pd
import torch

from benchmarks.searching import Rows
from benchmarks.tables import show_and_write
from tune_mnist.command import run
from tune_mnist.data import DataSplit, load_dataset, split_dataset
from tune_mnist.models import INITS
from tune_mnist.training import DivergedError, TrainConfig, Trainer, resolve_compute
from tune_mnist.tuning.spaces.space import load_space

STEM = Path(__file__).with_suffix("")
KEY = ["dataset", "model", "init", "number"]


def random_configurations(space_name: str, count: int) -> list[dict[str, Any]]:
    """Sample random configurations from a shipped space; each call returns the same ones."""
    space = load_space(space_name)
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    drawn = []
    for _ in range(count):
        trial = study.ask()
        drawn.append(space.sample(trial) | trial.params)
    return drawn


def accuracies(config: TrainConfig, data: DataSplit) -> list[float]:
    """Train a configuration; return val_accuracy after each epoch, 0 after a divergence."""
    trainer = Trainer(config, data, resolve_compute("cpu"))
    found = []
    for _ in range(config.max_epochs):
        try:
            found.append(trainer.run_epoch().val_accuracy)
        except DivergedError:
            break
    return found + [0.0] * (config.max_epochs - len(found))


def summarise(rows: pd.DataFrame) -> pd.DataFrame:
    """Return a row for each data set, network and initialisation."""
    table = []
    for (dataset, model, init), group in rows.groupby(KEY[:3], sort=False):
        learned = group[["first", "last"]].gt(group["chance_level"], axis=0)
        table.append(
            {
                "dataset": dataset,
                "model": model,
                "init": init,
                "configurations": len(group),
                "percent_learned_after_1": 100 * learned["first"].mean(),
                "percent_learned_at_end": 100 * learned["last"].mean(),
                "best": group["best"].max(),
            }
        )
    return pd.DataFrame(table)


@click.command()
@click.option("--model", "models", multiple=True, default=["lenet"], show_default=True)
@click.option("--dataset", "datasets", multiple=True, default=["mnist"], show_default=True)
@click.option("--configs", type=int, default=24, show_default=True)
@click.option("--fraction", type=float, default=0.25, show_default=True)
@click.option("--epochs", type=int, default=4, show_default=True)
@click.option(
    "--image-size",
    type=int,
    default=28,
    show_default=True,
    help="Side of the images in pixels; LeNet always uses 32.",
)
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    default=STEM,
    help="Output path without extension.",
)
def main(
    models: tuple[str, ...],
    datasets: tuple[str, ...],
    configs: int,
    fraction: float,
    epochs: int,
    image_size: int,
    output: Path,
) -> None:
    """Compare initial weights by the share of random configurations that learn."""
    torch.set_num_threads(1)
    rows = Rows(output.with_suffix(".runs.csv"), KEY)
    done = set(rows.frame[KEY].itertuples(index=False, name=None))
    for dataset in datasets:
        data = split_dataset(load_dataset(dataset), fraction)
        for model in models:
            for number, drawn in enumerate(random_configurations(model, configs)):
                for init in INITS:
                    if (dataset, model, init, number) in done:
                        continue
                    config = TrainConfig.checked(
                        **drawn, init=init, image_size=image_size, max_epochs=epochs
                    )
                    found = accuracies(config, data)
                    row = dict(zip(KEY, (dataset, model, init, number), strict=True))
                    row |= {"first": found[0], "last": found[-1], "best": max(found)}
                    rows.add(pd.DataFrame([row | {"chance_level": data.chance_level}]))
    title = f"Initial weights, fraction {fraction:g}, {epochs} epochs, image size {image_size}"
    show_and_write(summarise(rows.frame), output, title)


if __name__ == "__main__":
    run(main)
