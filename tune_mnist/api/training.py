"""Training runs from Python and from the command ``train``."""

import json
from dataclasses import asdict, dataclass
from numbers import Integral
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from tune_mnist.api.calls import Images, Models, load_images, load_networks, require_known
from tune_mnist.console import print_facts, print_line, report_console
from tune_mnist.data import Dataset, DataSplit, default_fraction, split_dataset
from tune_mnist.data.form import FORM_KEY
from tune_mnist.environment import describe_hardware
from tune_mnist.errors import UserError
from tune_mnist.files import new_folder, write_text
from tune_mnist.inference import Classifier
from tune_mnist.inference import load_model as load_trained_model
from tune_mnist.models import count_parameters, get_architecture
from tune_mnist.models.contract import check_network
from tune_mnist.models.registry import SHIPPED
from tune_mnist.notices import notice
from tune_mnist.process import process_restored
from tune_mnist.reporting.epoch_log import epoch_heading, epoch_line
from tune_mnist.reporting.evaluation_report import to_markdown, to_rich
from tune_mnist.results import new_results
from tune_mnist.training import (
    CONFIG_FILE,
    Compute,
    DivergedError,
    EpochMetrics,
    Evaluation,
    TrainConfig,
    Trainer,
    create_batches,
    evaluate,
    hyperparameter,
    out_of_memory_reported,
    resolve_compute,
)
from tune_mnist.training.settings import (
    LARGE_EPOCHS,
    LARGE_FRACTION,
    LIGHT_EPOCHS,
    LIGHT_FRACTION,
    RUN_IMAGE_SIZE,
)

_OWN_OPTIONS = (
    "dataset",
    "data_dir",
    "transpose",
    "epochs",
    "fraction",
    "precision",
    "device",
    "name",
)
"""Options of a run that are not hyperparameters."""


@dataclass(frozen=True)
class TrainingResult:
    """Result of one training run.

    Attributes:
        directory: Results folder of the run.
        config: Configuration that was trained.
        epochs: Table of metrics with one row per epoch, as in ``epochs.csv``.
        val_accuracy: Accuracy on the validation images after the last epoch, from 0 to 1.
        test_accuracy: Accuracy on the test images after the last epoch, from 0 to 1.
        recall: Recall of each class, float64 (C,): the fraction of its test images that are
            classified correctly.
        confusion: Number of test images by true class (rows) and predicted class (columns),
            int64 (C, C).
        class_names: Name of each class.
    """

    directory: Path
    config: TrainConfig
    epochs: pd.DataFrame
    val_accuracy: float
    test_accuracy: float
    recall: NDArray[np.float64]
    confusion: NDArray[np.int64]
    class_names: tuple[str, ...]

    def load_model(self) -> Classifier:
        """Load the trained model, in evaluation mode on the CPU.

        Returns:
            Module that maps raw images, uint8 (N, H, W), to class probabilities, including scaling
            and resizing. The attribute ``network`` is the trained network.

        Raises:
            UserError: The files are missing or damaged.
        """
        return load_trained_model(self.directory, torch.device("cpu"))


def run_training(
    model: str = "lenet",
    dataset: Images = "mnist",
    *,
    data_dir: str | Path | None = None,
    transpose: bool = False,
    models: Models = (),
    epochs: int | None = None,
    fraction: float | None = None,
    precision: str = "auto",
    device: str = "auto",
    name: str | None = None,
    output_dir: str | Path = "results",
    console: Console | None = None,
    **hyperparameters: Any,
) -> TrainingResult:
    """Train and test one configuration, like the command ``python -m tune_mnist.train``.

    Args:
        model: Name of the architecture.
        dataset: Name of a data set, path of a folder or ``.npz`` file with your own data, a
            ``Dataset``, or the arrays (x_train, y_train, x_test, y_test).
        data_dir: Folder or file with your own data. If None, the named data set is read from the
            cache or downloaded.
        transpose: Whether to swap the rows and columns of each image of your own data.
        models: Python files or modules that register your own networks. Not needed for networks
            registered by the calling program.
        epochs: Number of epochs, at least 1. If None, light networks such as lenet are trained for
            10 epochs and other networks for 3.
        fraction: Fraction of the training split to train on, greater than 0 and at most 1. If
            None, 1 is used for light networks such as lenet, 0.1 for other networks, and more for
            small data sets.
        precision: Number format: ``"auto"``, ``"fp32"`` or ``"bf16"``.
        device: Device to train on: ``"auto"``, ``"cpu"`` or ``"cuda"``.
        name: Name of the results folder. If None, it consists of the name of the model and the
            time.
        output_dir: Parent folder of the results folders. It is created if it does not exist.
        console: Console for progress and results. If None, standard output or the notebook cell is
            used.
        hyperparameters: Other fields of ``TrainConfig``: ``lr`` (required), ``batch_size``,
            ``dropout``, ``optimizer``, ``image_size`` (64 pixels by default), ``seed`` and so on,
            and keywords of the network's constructor as ``**{"model.width": 12}``.

    Returns:
        Result with the metrics of each epoch, the accuracies and the path of the results folder.

    Raises:
        UserError: An option is unknown or invalid, the loss diverges, or there is too little
            memory. No results are written.
    """
    console = report_console() if console is None else console
    with process_restored():
        load_networks(models)
        require_known(hyperparameters, TrainConfig, *_OWN_OPTIONS, keywords=True)
        light = get_architecture(model).light
        if epochs is None:
            epochs = LIGHT_EPOCHS if light else LARGE_EPOCHS
        if isinstance(epochs, bool) or not isinstance(epochs, Integral) or epochs < 1:
            raise UserError(f"epochs must be a whole number of at least 1, but is {epochs!r}")
        given = {"image_size": RUN_IMAGE_SIZE} | hyperparameters
        config = TrainConfig.checked(model=model, max_epochs=int(epochs), **given)
        with new_results(Path(output_dir), name, f"train-{model}") as directory:
            notice("loading the data")
            images = load_images(dataset, data_dir, transpose=transpose)
            if model not in SHIPPED:
                check_network(
                    model,
                    images.num_classes,
                    images.channels,
                    config.image_size,
                    config.model_options,
                )
            if fraction is None:
                share = LIGHT_FRACTION if light else LARGE_FRACTION
                fraction = default_fraction(share, len(images.train_labels))
            data = split_dataset(images, fraction, 1.0)
            compute = resolve_compute(device, precision)
            return _train_into(directory, config, images, data, compute, console)


def _train_into(
    directory: Path,
    config: TrainConfig,
    images: Dataset,
    data: DataSplit,
    compute: Compute,
    console: Console,
) -> TrainingResult:
    """Train and test a configuration, print the results and write them to the folder."""
    size = get_architecture(config.model).input_size(config.image_size)
    too_large = (
        f"not enough memory for batches of {config.batch_size} images at {size}x{size}:"
        " try a smaller --batch-size or --image-size"
    )
    with out_of_memory_reported(too_large):
        trainer = Trainer(config, data, compute)
    facts = {
        "model": f"{config.model}, {count_parameters(trainer.model):,} trainable parameters",
        "data": f"{images.form.describe()}, {len(data.train):,} training,"
        f" {len(data.val):,} validation and {len(images.test_labels):,} test images at"
        f" {size}x{size}",
        "configuration": ", ".join(
            # The image size is shown with the data, as networks of fixed size ignore the option.
            f"{key} {hyperparameter(key).show(value)}"
            for key, value in config.flat().items()
            if key not in ("model", "image_size")
        ),
        "compute": f"{compute.device.type}, {compute.precision}; {describe_hardware()}",
    }
    print_facts(console, facts)
    try:
        with out_of_memory_reported(too_large):
            history = _fit(trainer, console)
            tested = _test(trainer, images)
    except DivergedError as error:
        raise UserError(f"{error}: try a smaller --lr") from None
    validation = history[-1].val_accuracy
    epochs = pd.DataFrame([asdict(metrics) for metrics in history])
    with new_folder(directory) as folder:
        trainer.save(folder / "checkpoint")
        epochs.to_csv(folder / "epochs.csv", index=False)
        noted = {**config.flat(), FORM_KEY: images.form.model_dump(mode="json")}
        write_text(folder / CONFIG_FILE, json.dumps(noted, indent=2) + "\n")
        write_text(folder / "summary.md", to_markdown(directory.name, facts, validation, tested))
    console.print(to_rich(validation, tested, console))
    print_line(console, f"results in {directory}")
    return TrainingResult(
        directory=directory,
        config=config,
        epochs=epochs,
        val_accuracy=validation,
        test_accuracy=tested.accuracy,
        recall=tested.recall,
        confusion=tested.confusion,
        class_names=tested.class_names,
    )


def _fit(trainer: Trainer, console: Console) -> list[EpochMetrics]:
    """Train all epochs with a progress bar and return their metrics."""
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
    """Evaluate the trained network on the test set."""
    batches = create_batches(
        trainer.config,
        images.test_images,
        images.test_labels,
        np.arange(len(images.test_labels)),
        trainer.compute,
    )
    return evaluate(trainer.model, batches, trainer.compute, images.class_names)
