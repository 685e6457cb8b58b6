"""Loading of trained models from results folders."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import ConfigDict
from torch import Tensor, nn

from tune_mnist.data import DataForm, prepare_batch
from tune_mnist.data.form import FORM_KEY, MNIST
from tune_mnist.errors import UserError
from tune_mnist.models import MAX_CLASSES, get_architecture, outline, unfilled
from tune_mnist.safe_paths import path_in
from tune_mnist.stored_json import read_stored
from tune_mnist.training import (
    CONFIG_FILE,
    MODEL_FILE,
    CheckpointError,
    TrainConfig,
    check_weights,
    count_bytes,
    load_tensors,
    out_of_memory_reported,
)
from tune_mnist.training.ensemble_file import ENSEMBLE_FOLDER

CHECKPOINT_FOLDER = "checkpoint"


class Classifier(nn.Module):
    """Module that maps raw images to class probabilities.

    The module prepares the images as in training (scaling, and resizing or padding), applies the
    network, and converts the logits to probabilities with a softmax.

    Args:
        network: Trained network that returns logits.
        config: Configuration used to train the network.
        form: Form of the images that the network was trained on.

    Attributes:
        network: Trained network.
        config: Configuration used to train the network.
        form: Form of the images that the network was trained on, with the class names.
        size: Side length in pixels of the images that the network receives.

    Shape:
        - Input: uint8 (B, S, S), or (B, S, S, 3) in RGB, like the training images, as a tensor or
          a NumPy array. For MNIST these are 28x28 pixels with light digits on a dark background.
        - Output: float32 (B, C), with a sum of 1 per row.
    """

    def __init__(self, network: nn.Module, config: TrainConfig, form: DataForm = MNIST) -> None:
        super().__init__()
        architecture = get_architecture(config.model)
        self.network = network
        self.config = config
        self.form = form
        self.size = architecture.input_size(config.image_size)
        self._resize = architecture.fixed_size is None

    def forward(self, images: Tensor | NDArray[np.uint8]) -> Tensor:
        """Return the class probabilities (B, C) of raw images (B, S, S).

        Raises:
            UserError: The images do not have the data type or the shape of the training images.
        """
        raw = torch.as_tensor(images)
        if raw.dtype != torch.uint8 or tuple(raw.shape[1:]) != self.form.shape:
            dtype = str(raw.dtype).removeprefix("torch.")
            raise UserError(
                f"images must be uint8 of the shape {self.form.batch_shape}, with pixels from 0 to"
                f" 255, but are {dtype} of the shape {tuple(raw.shape)}"
            )
        logits: Tensor = self.network(prepare_batch(raw, self.size, self._resize))
        return logits.softmax(dim=1)


def load_model(folder: Path, device: torch.device) -> Classifier:
    """Load a trained model from a results folder, in evaluation mode and float32.

    Args:
        folder: ``best/<model>`` or ``final/<model>`` of a search, or the folder of a single run.
        device: Device to load the model onto.

    Raises:
        UserError: The folder contains no model or more than one, or its files are damaged or do
            not match each other.
    """
    weights_folder, config_path = _locate(folder)
    config, noted = _read_config(config_path)
    channels = (noted or MNIST).channels
    path = weights_folder / MODEL_FILE
    try:
        with out_of_memory_reported(
            f"{path}: loading the weights needs more memory than is available"
        ):
            weights, num_classes = _load_weights(path, config, config_path, channels, device)
            network = unfilled(config.model, num_classes, channels, config.model_options)
    except CheckpointError as error:
        raise UserError(str(error)) from None
    form = noted or DataForm.of_mnist(num_classes)
    if len(form.class_names) != num_classes:
        raise UserError(
            f"{config_path}: data.class_names must have {num_classes} names, one for each class of"
            f" the weights in {path}, but has {len(form.class_names)}"
        )
    network.load_state_dict(weights, assign=True)
    return Classifier(network, config, form).eval().requires_grad_(False)


def _load_weights(
    path: Path, config: TrainConfig, config_path: Path, channels: int, device: torch.device
) -> tuple[dict[str, Tensor], int]:
    """Return the weights on the device and their number of classes."""
    largest = outline(config.model, MAX_CLASSES, channels, config.model_options)
    weights = load_tensors(path, count_bytes(largest))
    num_classes = _num_classes(path, weights, get_architecture(config.model).head)
    called = f"a {config.model}, as named in {config_path}"
    # Checked on the meta device first, so that an untrusted file cannot exhaust the memory.
    expected = outline(config.model, num_classes, channels, config.model_options)
    check_weights(path, weights, expected, called)
    return {name: tensor.to(device, copy=True) for name, tensor in weights.items()}, num_classes


def _locate(folder: Path) -> tuple[Path, Path]:
    """Return the folder of the weights and the path of the configuration."""
    if folder.is_file():
        raise UserError(f"--model {folder} is a file: give the folder that contains it")
    if not folder.is_dir():
        raise UserError(f"--model {folder}: there is no such folder")
    for weights_folder in (folder, path_in(folder, CHECKPOINT_FOLDER)):
        if path_in(weights_folder, MODEL_FILE).is_file():
            # A single run stores its configuration in the parent folder of the checkpoint.
            places = (weights_folder, weights_folder.parent)
            configs = [path_in(place, CONFIG_FILE) for place in places]
            return weights_folder, next((path for path in configs if path.is_file()), configs[0])
    found = {*folder.glob(f"*/{MODEL_FILE}"), *folder.glob(f"*/*/{MODEL_FILE}")}
    inside = sorted(path for path in found if path.parent.parent.name != ENSEMBLE_FOLDER)
    if inside:
        choice = ", ".join(str(path.parent) for path in inside)
        if len(inside) == 1:
            raise UserError(f"--model {folder}: the model is in a subfolder: give {choice}")
        raise UserError(
            f"--model {folder}: the folder contains several models: give one of {choice}"
        )
    raise UserError(
        f"--model {folder}: the folder contains no {MODEL_FILE}: give best/<model> in the results"
        " folder of a search, or the results folder of a single run"
    )


class _NotedConfig(TrainConfig):
    """Stored configuration, which may contain further keys such as the trial and its accuracy."""

    model_config = ConfigDict(extra="ignore")

    data: DataForm | None = None


def _read_config(path: Path) -> tuple[TrainConfig, DataForm | None]:
    """Return the configuration and the form of the images, which older folders do not contain."""
    if not path.exists():
        raise UserError(
            f"{path}: there is no such file, but the configuration of a model must be beside the"
            " weights"
        )
    noted = read_stored(path, _NotedConfig)
    flat = noted.flat()
    flat.pop(FORM_KEY)
    return TrainConfig(**flat), noted.data


def _num_classes(path: Path, weights: Mapping[str, Tensor], head: str) -> int:
    """Return the number of outputs of the layer that returns the logits."""
    weight = weights.get(f"{head}.weight")
    if weight is None or weight.ndim < 2 or not 2 <= len(weight) <= MAX_CLASSES:
        raise UserError(
            f"{path}: the file must contain the weights of a layer {head} with 2 to {MAX_CLASSES}"
            " outputs, one per class"
        )
    return len(weight)
