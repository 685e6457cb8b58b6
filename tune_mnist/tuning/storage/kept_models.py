"""Models that a search keeps: a folder each, with the weights and how they came about."""

import json
from pathlib import Path
from typing import Any

from tune_mnist.errors import UserError
from tune_mnist.files import write_text
from tune_mnist.training import MODEL_FILE
from tune_mnist.tuning.storage.checkpoint_store import Checkpoints

CONFIG_FILE = "config.json"

FULL_VAL_ACCURACY = "full_val_accuracy"
"""Key of a best model's ``config.json``: its accuracy on the whole validation part."""


def keep_model(folder: Path, checkpoints: Checkpoints, epoch: int, config: dict[str, Any]) -> None:
    """Keep the weights of a checkpoint, in the place of those that were kept before.

    Args:
        folder: of the model; made if need be.
        checkpoints: those of the run.
        epoch: which of them.
        config: every field of the TrainConfig, and what else is to be known of the model.
    """
    folder.mkdir(parents=True, exist_ok=True)
    partial = folder / f".{MODEL_FILE}.part"
    checkpoints.copy_model(epoch, partial)
    partial.replace(folder / MODEL_FILE)
    write_config(folder, config)


def write_config(folder: Path, config: dict[str, Any]) -> None:
    """Write what is known of a kept model."""
    write_text(folder / CONFIG_FILE, json.dumps(config, indent=2) + "\n")


def read_config(folder: Path) -> dict[str, Any]:
    """Return what is known of a kept model.

    Raises:
        UserError: the file is damaged.
    """
    path = folder / CONFIG_FILE
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except json.JSONDecodeError as error:
        raise UserError(f"{path}: damaged: {error}") from None
    if not isinstance(config, dict):
        raise UserError(f"{path}: damaged: must be a mapping")
    return config


def kept_models(directory: Path) -> list[Path]:
    """Return the folders of the models that are kept in a folder, by name."""
    return sorted(path.parent for path in directory.glob(f"*/{CONFIG_FILE}"))
