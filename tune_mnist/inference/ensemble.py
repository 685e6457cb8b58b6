"""Loading of the ensemble of a search."""

import shlex
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict
from torch import Tensor, nn

from tune_mnist.errors import UserError
from tune_mnist.inference.model import Classifier, load_model
from tune_mnist.models.user_modules import repeated_flags
from tune_mnist.safe_paths import path_in
from tune_mnist.stored_json import read_stored
from tune_mnist.stored_values import Text, Whole
from tune_mnist.training import CONFIG_FILE, MODEL_FILE
from tune_mnist.training.ensemble_file import (
    ENSEMBLE_FILE,
    ENSEMBLE_FOLDER,
    Candidate,
    member_folder,
    read_ensemble,
)


class EnsembleClassifier(nn.Module):
    """Module that maps raw images to class probabilities, averaged over several classifiers.

    Args:
        classifiers: Classifiers for images of the same form, one per network.
        counts: Weight of each classifier, greater than 0.

    Attributes:
        classifiers: Classifiers of the single networks.
        form: Form of the images, with the class names.
        size: Side length in pixels of the largest input that a network receives.

    Shape:
        - Input and output are those of ``Classifier``.
    """

    def __init__(self, classifiers: Sequence[Classifier], counts: Sequence[int]) -> None:
        super().__init__()
        self.classifiers = nn.ModuleList(classifiers)
        self.form = classifiers[0].form
        self.size = max(classifier.size for classifier in classifiers)
        self._shares = [count / sum(counts) for count in counts]

    def forward(self, images: Tensor | NDArray[np.uint8]) -> Tensor:
        """Return the class probabilities (B, C) of raw images (B, S, S).

        Raises:
            UserError: The images do not have the data type or the shape of the training images.
        """
        predicted = [
            share * classifier(images)
            for share, classifier in zip(self._shares, self.classifiers, strict=True)
        ]
        return torch.stack(predicted).sum(dim=0)


def load_ensemble(directory: Path, device: torch.device) -> EnsembleClassifier:
    """Load the ensemble of a search, in evaluation mode.

    Args:
        directory: Results folder of the search.
        device: Device to load the networks onto.

    Raises:
        UserError: The search has no ensemble, or its files are damaged or do not match each other.
    """
    if not directory.is_dir():
        raise UserError(f"--ensemble {directory}: there is no such folder")
    ensemble = read_ensemble(directory)
    if ensemble is None:
        raise UserError(
            f"--ensemble {directory}: contains no {ENSEMBLE_FOLDER}/{ENSEMBLE_FILE}, which a"
            " search writes after its final runs: resume it with 'python -m tune_mnist.search"
            f" --resume {shlex.quote(str(directory))}{repeated_flags()}' (and --final-seeds, above"
            " 0, if it made no final runs), or use one of its networks with --model"
            f" {shlex.quote(str(directory / 'best'))}/<network>{repeated_flags()}"
        )
    classifiers: list[Classifier] = []
    for member in ensemble.members:
        folder = path_in(directory, ENSEMBLE_FOLDER, member_folder(member.trial))
        if not path_in(folder, MODEL_FILE).is_file():
            raise UserError(f"{folder}: contains no {MODEL_FILE}, which the ensemble needs")
        _check_origin(path_in(folder, CONFIG_FILE), member)
        classifier = load_model(folder, device)
        if classifiers and classifier.form != classifiers[0].form:
            raise UserError(
                f"{folder}: this network was trained on another form of images than the other"
                " networks of the ensemble; all must have the same data in config.json"
            )
        classifiers.append(classifier)
    counts = [member.count for member in ensemble.members]
    return EnsembleClassifier(classifiers, counts).eval()


class _Origin(BaseModel):
    """Keys of a configuration file that name the origin of the weights."""

    model_config = ConfigDict(strict=True, extra="ignore")

    trial: Whole
    model: Text
    epoch: Whole


def _check_origin(path: Path, member: Candidate) -> None:
    """Check that the weights beside a configuration file are those that the ensemble names."""
    origin = read_stored(path, _Origin)
    for key in _Origin.model_fields:
        expected, found = getattr(member, key), getattr(origin, key)
        if found != expected:
            raise UserError(
                f"{path}: {key} must be {expected!r}, as in {ENSEMBLE_FILE}, but is {found!r}"
            )
