"""Folders of the best models, one for each architecture, with weights and configuration."""

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
from tune_mnist.training import CONFIG_FILE, MODEL_FILE, TrainConfig
from tune_mnist.tuning.storage.checkpoint_store import Checkpoints

PART_OF_MODEL = f".{MODEL_FILE}.part"
"""Temporary name of the file with the weights while it is written."""


class BestConfig(TrainConfig):
    """Configuration and origin of the best model of an architecture.

    Attributes:
        trial: Number of the trial that trained the model.
        epoch: Epoch after which the weights were saved.
        val_accuracy: Validation accuracy after this epoch.
        stage: Stage of this epoch, starting at 1, or 0 in a search without stages.
        fraction: Fraction of the training split used in this stage, or None in a search without
            stages.
        full_val_accuracy: Accuracy on all validation images, or None if it has not been measured.
        data: Name, size, channels and classes of the data set. None in folders of earlier
            versions, which supported only MNIST.
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
    """Return the path of an architecture's model folder, which need not exist.

    Args:
        directory: Folder that contains one folder for each architecture.
        model: Name of the architecture.

    Raises:
        UserError: The architecture is unknown, or the folder is a symbolic link.
    """
    get_architecture(model)
    return path_in(directory, model)


def keep_model(folder: Path, checkpoints: Checkpoints, epoch: int, config: dict[str, Any]) -> None:
    """Copy the weights of a checkpoint to a model folder. Earlier weights are replaced.

    Args:
        folder: Folder of the model. It is created if it does not exist.
        checkpoints: Checkpoints of the trial or final run.
        epoch: Epoch of the checkpoint to copy.
        config: Content of the configuration file: all fields of the TrainConfig, and the origin of
            the model.
    """
    folder.mkdir(parents=True, exist_ok=True)
    partial = path_in(folder, PART_OF_MODEL)
    checkpoints.copy_model(epoch, partial)
    partial.replace(path_in(folder, MODEL_FILE))
    write_config(folder, config)


def write_config(folder: Path, config: dict[str, Any]) -> None:
    """Write the configuration file of a model.

    Args:
        folder: Folder of the model.
        config: Content of the file: all fields of the TrainConfig, and the origin of the model.
    """
    write_text(path_in(folder, CONFIG_FILE), json.dumps(config, indent=2) + "\n")


def read_config(folder: Path) -> BestConfig:
    """Read the configuration file of a best model.

    Args:
        folder: Folder of the model, whose name is that of the architecture.

    Raises:
        UserError: The file is damaged, or names another architecture than the folder.
    """
    path = path_in(folder, CONFIG_FILE)
    config = read_stored(path, BestConfig)
    if config.model != folder.name:
        raise UserError(
            f"{path}: model must be '{folder.name}', the name of the folder, but is"
            f" '{config.model}'"
        )
    return config


def kept_models(directory: Path) -> list[Path]:
    """Return the folders of all models in a folder, sorted by name.

    Args:
        directory: Folder that contains one folder for each architecture.

    Raises:
        UserError: A folder with a configuration file does not have the name of an architecture.
    """
    names = [name for name in folders_in(directory) if CONFIG_FILE in files_in(directory / name)]
    return [model_folder(directory, name) for name in sorted(names)]
