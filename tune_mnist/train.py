"""Command: train one configuration (``python -m tune_mnist.train``)."""

import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
import numpy as np
import pandas as pd
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from tune_mnist.command import run
from tune_mnist.console import print_facts
from tune_mnist.data import Dataset, load_dataset, split_dataset
from tune_mnist.environment import describe_hardware
from tune_mnist.errors import UserError
from tune_mnist.files import new_folder, write_text
from tune_mnist.models import MODELS, count_parameters, get_architecture
from tune_mnist.reporting.evaluation import to_markdown, to_rich
from tune_mnist.reporting.lines import epoch_heading, epoch_line
from tune_mnist.results import require_new, results_directory
from tune_mnist.training import (
    DivergedError,
    EpochMetrics,
    Evaluation,
    TrainConfig,
    Trainer,
    create_batches,
    evaluate,
    resolve_compute,
)

# LeNet trains on everything in a minute; the large networks would take a laptop hours that way.
IMAGE_SIZE = 64
LENET_EPOCHS, LENET_FRACTION = 10, 1.0
LARGE_EPOCHS, LARGE_FRACTION = 3, 0.1


@click.command()
@click.option("--model", required=True, help=f"{', '.join(MODELS)}.")
@click.option("--lr", type=float, required=True, help="Learning rate.")
@click.option("--dropout", type=float, default=0.0, show_default=True, help="0 <= dropout < 1.")
@click.option("--batch-size", type=int, default=64, show_default=True)
@click.option("--optimizer", default="adam", show_default=True, help="sgd, adam, adamw, rmsprop.")
@click.option("--momentum", type=float, default=0.0, show_default=True, help="sgd and rmsprop.")
@click.option("--weight-decay", type=float, default=0.0, show_default=True)
@click.option(
    "--epochs", type=click.IntRange(min=1), help="[default: 10 for lenet, 3 for the others]"
)
@click.option("--fraction", type=float, help="Of the training part.  [default: lenet 1, else 0.1]")
@click.option(
    "--image-size", type=int, default=IMAGE_SIZE, show_default=True, help="LeNet: always 32."
)
@click.option("--dataset", default="mnist", show_default=True)
@click.option(
    "--data-dir", type=click.Path(path_type=Path), help="Folder with the four IDX files."
)
@click.option("--seed", type=int, default=0, show_default=True)
@click.option("--precision", default="auto", show_default=True, help="auto, fp32 or bf16.")
@click.option("--device", default="auto", show_default=True, help="auto, cpu or cuda.")
@click.option("--name", help="Of the results folder.  [default: model and time]")
@click.option(
    "--output-dir", type=click.Path(path_type=Path), default=Path("results"), show_default=True
)
def train(
    model: str,
    epochs: int | None,
    fraction: float | None,
    dataset: str,
    data_dir: Path | None,
    precision: str,
    device: str,
    name: str | None,
    output_dir: Path,
    **hyperparameters: Any,
) -> None:
    """Train one configuration, and test it."""
    small = model == "lenet"
    config = TrainConfig.checked(
        model=model,
        max_epochs=_or(epochs, LENET_EPOCHS if small else LARGE_EPOCHS),
        **hyperparameters,
    )
    if name is None:
        name = f"train-{model}-{time.strftime('%Y%m%d-%H%M%S')}"
    directory = results_directory(output_dir, name)
    require_new(directory)
    images = load_dataset(dataset, data_dir)
    data = split_dataset(images, _or(fraction, LENET_FRACTION if small else LARGE_FRACTION), 1.0)
    compute = resolve_compute(device, precision)
    trainer = Trainer(config, data, compute)
    size = get_architecture(model).input_size(config.image_size)
    facts = {
        "model": f"{model}, {count_parameters(trainer.model):,} trainable parameters",
        "data": f"{dataset}, {len(data.train):,} training, {len(data.val):,} validation and"
        f" {len(images.test_labels):,} test images at {size}x{size}",
        "configuration": ", ".join(
            # The image size that counts stands with the data: LeNet leaves the option.
            f"{key} {value}"
            for key, value in config.model_dump(exclude={"model", "image_size"}).items()
        ),
        "compute": f"{compute.device.type}, {compute.precision}; {describe_hardware()}",
    }
    console = Console()
    print_facts(console, facts)
    try:
        history = _fit(trainer, console)
    except DivergedError as error:
        raise UserError(f"{error}: try a smaller --lr") from None
    except RuntimeError as error:
        # PyTorch has an exception of its own for a GPU's memory only.
        if "memory" not in str(error):
            raise
        raise UserError(
            f"not enough memory for batches of {config.batch_size} images at {size}x{size}:"
            " try a smaller --batch-size or --image-size"
        ) from None
    tested = _test(trainer, images)
    validation = history[-1].val_accuracy
    with new_folder(directory) as folder:
        trainer.save(folder / "checkpoint")
        pd.DataFrame([asdict(metrics) for metrics in history]).to_csv(
            folder / "epochs.csv", index=False
        )
        write_text(folder / "config.json", config.model_dump_json(indent=2) + "\n")
        write_text(folder / "summary.md", to_markdown(name, facts, validation, tested))
    console.print(to_rich(validation, tested))
    console.print(f"results in {directory}", markup=False)


def _fit(trainer: Trainer, console: Console) -> list[EpochMetrics]:
    """Train all epochs behind a progress bar; return the metrics of each."""
    history = []
    console.print(epoch_heading(), highlight=False, soft_wrap=True)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("images"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("", total=trainer.train_batches.num_images)
        while trainer.epoch < trainer.config.max_epochs:
            progress.reset(
                task, description=f"epoch {trainer.epoch + 1}/{trainer.config.max_epochs}"
            )
            metrics = trainer.run_epoch(lambda images: progress.advance(task, images))
            history.append(metrics)
            line = epoch_line(metrics, trainer.config.max_epochs)
            console.print(line, highlight=False, soft_wrap=True)
    return history


def _test(trainer: Trainer, images: Dataset) -> Evaluation:
    """Classify the test set with the trained network, once."""
    batches = create_batches(
        trainer.config,
        images.test_images,
        images.test_labels,
        np.arange(len(images.test_labels)),
        trainer.compute,
    )
    return evaluate(trainer.model, batches, trainer.compute, images.num_classes)


def _or(given: Any, default: Any) -> Any:
    return default if given is None else given


if __name__ == "__main__":
    run(train)
