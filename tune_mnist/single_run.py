"""One configuration trained and tested, from the options of the command to its results folder."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from tune_mnist.console import print_facts, report_console
from tune_mnist.data import Dataset, DataSplit, default_fraction, load_dataset, split_dataset
from tune_mnist.environment import describe_hardware
from tune_mnist.errors import UserError
from tune_mnist.files import new_folder, write_text
from tune_mnist.models import count_parameters, get_architecture
from tune_mnist.reporting.evaluation import to_markdown, to_rich
from tune_mnist.reporting.lines import epoch_heading, epoch_line
from tune_mnist.results import new_results
from tune_mnist.training import (
    Compute,
    DivergedError,
    EpochMetrics,
    Evaluation,
    TrainConfig,
    Trainer,
    create_batches,
    evaluate,
    is_out_of_memory,
    resolve_compute,
)

# A light network trains on everything in a minute; a large one would take a laptop hours.
LIGHT_EPOCHS, LIGHT_FRACTION = 10, 1.0
LARGE_EPOCHS, LARGE_FRACTION = 3, 0.1


def train_and_test(
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
    """Train one configuration, test it, and write its results folder.

    Args:
        model: name of the architecture.
        epochs: how many; None: by the model.
        fraction: share of the training part; None: by the model, see ``default_fraction``.
        dataset: mnist, fashion-mnist, kmnist or digits.
        data_dir: folder with the four IDX files, or None.
        precision: auto, fp32 or bf16.
        device: auto, cpu or cuda.
        name: of the results folder; None: model and time.
        output_dir: where results folders lie.
        hyperparameters: the other fields of a TrainConfig.

    Raises:
        UserError: wrong input, a loss that diverges, or too little memory; nothing is written.
    """
    light = get_architecture(model).light
    config = TrainConfig.checked(
        model=model,
        max_epochs=_or(epochs, LIGHT_EPOCHS if light else LARGE_EPOCHS),
        **hyperparameters,
    )
    with new_results(output_dir, name, f"train-{model}") as directory:
        images = load_dataset(dataset, data_dir)
        share = LIGHT_FRACTION if light else LARGE_FRACTION
        enough = default_fraction(share, len(images.train_labels))
        data = split_dataset(images, _or(fraction, enough), 1.0)
        _train_into(directory, config, images, data, resolve_compute(device, precision))


def _train_into(
    directory: Path, config: TrainConfig, images: Dataset, data: DataSplit, compute: Compute
) -> None:
    """Train and test, say so, and fill the results folder at the end."""
    trainer = Trainer(config, data, compute)
    size = get_architecture(config.model).input_size(config.image_size)
    facts = {
        "model": f"{config.model}, {count_parameters(trainer.model):,} trainable parameters",
        "data": f"{images.name}, {len(data.train):,} training, {len(data.val):,} validation and"
        f" {len(images.test_labels):,} test images at {size}x{size}",
        "configuration": ", ".join(
            # The image size that counts stands with the data: a network of fixed size has its own.
            f"{key} {value}"
            for key, value in config.flat().items()
            if key not in ("model", "image_size")
        ),
        "compute": f"{compute.device.type}, {compute.precision}; {describe_hardware()}",
    }
    console = report_console()
    print_facts(console, facts)
    try:
        history = _fit(trainer, console)
    except DivergedError as error:
        raise UserError(f"{error}: try a smaller --lr") from None
    except (MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
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
        write_text(folder / "config.json", json.dumps(config.flat(), indent=2) + "\n")
        write_text(folder / "summary.md", to_markdown(directory.name, facts, validation, tested))
    console.print(to_rich(validation, tested, console))
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
    disabled = not console.is_interactive
    with Progress(*columns, console=console, transient=True, disable=disabled) as progress:
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
