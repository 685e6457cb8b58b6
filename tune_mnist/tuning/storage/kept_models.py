"""Models that a search keeps: a folder each, with the weights and how they came about."""

import json
from pathlib import Path
from typing import Any

from pydantic import ConfigDict

from tune_mnist.data import DataForm
from tune_mnist.errors import UserError
from tune_mnist.files import write_text
from tune_mnist.models import get_architecture
from tune_mnist.safe_paths import files_in, folders_in, path_in
from tune_mnist.stored_json import read_stored
from tune_mnist.stored_values import Accuracy, Finite, Whole
from tune_mnist.training import MODEL_FILE, TrainConfig
from tune_mnist.tuning.storage.checkpoint_store import Checkpoints

CONFIG_FILE = "config.json"

PART_OF_MODEL = f".{MODEL_FILE}.part"
"""Name of the weights while they are written."""


class BestConfig(TrainConfig):
    """What a search notes of the best model of an architecture.

    Attributes:
        trial: Number of the trial.
        epoch: Epoch of the trial that the weights are from.
        val_accuracy: Validation accuracy after it.
        stage: Number of its stage, from 1; 0 in a search without stages.
        fraction: Share of the training part in that stage; None in a search without stages.
        full_val_accuracy: Accuracy on the whole validation part; None: not known yet.
        data: Form of the data set; None in folders of versions that knew MNIST's only.
    """

    model_config = ConfigDict(extra="ignore")

    trial: Whole
    epoch: Whole
    val_accuracy: Accuracy
    stage: Whole = 0
    fraction: Finite | None = None
    full_val_accuracy: Accuracy | None = None
    data: DataForm | None = None


def model_folder(directory: Path, model: str) -> Path:
    """Return the folder of an architecture, which need not exist.

    Args:
        directory: Folder that holds one folder per architecture.
        model: Name of the architecture.

    Raises:
        UserError: There is no such architecture, or the folder is a symbolic link.
    """
    get_architecture(model)
    return path_in(directory, model)


def keep_model(folder: Path, checkpoints: Checkpoints, epoch: int, config: dict[str, Any]) -> None:
    """Keep the weights of a checkpoint, in the place of those that were kept before.

    Args:
        folder: of the model; made if need be.
        checkpoints: those of the run.
        epoch: which of them.
        config: every field of the TrainConfig, and what else is to be known of the model.
    """
    folder.mkdir(parents=True, exist_ok=True)
    partial = path_in(folder, PART_OF_MODEL)
    checkpoints.copy_model(epoch, partial)
    partial.replace(path_in(folder, MODEL_FILE))
    write_config(folder, config)


def write_config(folder: Path, config: dict[str, Any]) -> None:
    """Write what is known of a kept model."""
    write_text(path_in(folder, CONFIG_FILE), json.dumps(config, indent=2) + "\n")


def read_config(folder: Path) -> BestConfig:
    """Return what is known of a best model.

    Args:
        folder: Of the architecture.

    Raises:
        UserError: The file is damaged, or names another architecture.
    """
    path = path_in(folder, CONFIG_FILE)
    config = read_stored(path, BestConfig)
    if config.model != folder.name:
        raise UserError(
            f"{path}: model = '{config.model}': must be '{folder.name}', as its folder"
        )
    return config


def kept_models(directory: Path) -> list[Path]:
    """Return the folders of the models that are kept in a folder, by name.

    Raises:
        UserError: A folder with a configuration has the name of no architecture.
    """
    names = [name for name in folders_in(directory) if CONFIG_FILE in files_in(directory / name)]
    return [model_folder(directory, name) for name in sorted(names)]
