"""Models that a search keeps: a folder each, with the weights and how they came about."""

import json
from pathlib import Path
from typing import Any

from tune_mnist.errors import UserError
from tune_mnist.files import write_text
from tune_mnist.models import get_architecture
from tune_mnist.safe_paths import files_in, folders_in, path_in
from tune_mnist.training import MODEL_FILE
from tune_mnist.tuning.storage.checkpoint_store import Checkpoints

CONFIG_FILE = "config.json"

FULL_VAL_ACCURACY = "full_val_accuracy"
"""Key of a best model's ``config.json``: its accuracy on the whole validation part."""


PART_OF_MODEL = f".{MODEL_FILE}.part"
"""Name of the weights while they are written."""


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


def read_config(folder: Path) -> dict[str, Any]:
    """Return what is known of a kept model.

    Raises:
        UserError: the file is damaged.
    """
    path = path_in(folder, CONFIG_FILE)
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except json.JSONDecodeError as error:
        raise UserError(f"{path}: damaged: {error}") from None
    if not isinstance(config, dict):
        raise UserError(f"{path}: damaged: must be a mapping")
    return config


def kept_models(directory: Path) -> list[Path]:
    """Return the folders of the models that are kept in a folder, by name.

    Raises:
        UserError: A folder with a configuration has the name of no architecture.
    """
    names = [name for name in folders_in(directory) if CONFIG_FILE in files_in(directory / name)]
    return [model_folder(directory, name) for name in sorted(names)]
