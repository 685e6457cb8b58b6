"""File of an ensemble: the networks in it, and how it was chosen and tested."""

import json
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field, model_validator

from tune_mnist.errors import UserError
from tune_mnist.files import write_text
from tune_mnist.safe_paths import path_in
from tune_mnist.stored_json import StrictModel, read_stored
from tune_mnist.stored_values import MAX_IMAGES, MAX_INDICES, Accuracy, Text, Whole
from tune_mnist.training.calibration import MAX_TEMPERATURE, MIN_TEMPERATURE

ENSEMBLE_FOLDER = "ensemble"
ENSEMBLE_FILE = "ensemble.json"
MAX_MEMBERS = 8
"""Maximum number of networks in an ensemble. A network that is chosen twice counts twice."""

MAX_TRIALS = 1_000

_REMEDY = "remove the file and resume the search"
_TIMES = {1: "", 2: " counted twice"}


class Candidate(StrictModel):
    """Trial that was considered for an ensemble, with the weights of its best epoch.

    Attributes:
        trial: Number of the trial.
        model: Name of the architecture.
        epoch: Epoch after which the weights were saved.
        val_accuracy: Accuracy of the weights on the validation images.
        temperature: Temperature fitted on the validation images.
        count: Number of times that the network was chosen for the ensemble, or 0 if it was not
            chosen.
    """

    trial: Whole
    model: Text
    epoch: Whole
    val_accuracy: Accuracy
    temperature: Annotated[float, Field(ge=MIN_TEMPERATURE, le=MAX_TEMPERATURE)]
    count: Annotated[int, Field(ge=0, le=MAX_MEMBERS)]


class Predictions(StrictModel):
    """Errors in the predictions for the test images.

    Attributes:
        errors: Number of misclassified test images.
        misclassified: Indices of the misclassified test images, ascending, or None if they are
            more than 100,000.
        calibration_error: Expected calibration error.
    """

    errors: Annotated[int, Field(ge=0, le=MAX_IMAGES)]
    misclassified: (
        Annotated[list[Annotated[int, Field(ge=0)]], Field(max_length=MAX_INDICES)] | None
    )
    calibration_error: Accuracy

    @classmethod
    def of(cls, misclassified: list[int], calibration_error: float) -> "Predictions":
        """Summarize predictions, given the indices of all misclassified test images."""
        few = len(misclassified) <= MAX_INDICES
        return cls(
            errors=len(misclassified),
            misclassified=misclassified if few else None,
            calibration_error=calibration_error,
        )


class EnsembleTest(StrictModel):
    """Test results of an ensemble, and of the best single candidate for comparison.

    Attributes:
        images: Number of test images.
        ensemble: Predictions of the ensemble.
        single: Predictions of the best single candidate.
    """

    images: Annotated[int, Field(ge=1, le=MAX_IMAGES)]
    ensemble: Predictions
    single: Predictions

    def accuracy(self, predictions: Predictions) -> float:
        """Return the accuracy of predictions for the test images."""
        return 1 - predictions.errors / self.images

    @model_validator(mode="after")
    def _check_indices(self) -> "EnsembleTest":
        for predictions in (self.ensemble, self.single):
            wrong, errors = predictions.misclassified, predictions.errors
            if errors > self.images:
                raise ValueError(f"a test with at most {self.images:,} errors")
            if wrong is None:
                continue
            if not len({*wrong}) == len(wrong) == errors or max(wrong, default=0) >= self.images:
                raise ValueError(
                    f"a test with {errors:,} different misclassified indices below"
                    f" {self.images:,}, as errors says"
                )
        return self


def _size(candidates: list[Candidate]) -> int:
    return sum(candidate.count for candidate in candidates)


def _checked(candidates: list[Candidate]) -> list[Candidate]:
    trials = {candidate.trial for candidate in candidates}
    if len(trials) != len(candidates) or not 1 <= _size(candidates) <= MAX_MEMBERS:
        raise ValueError(f"different trials, with counts of 1 to {MAX_MEMBERS} in total")
    if not candidates[0].count:
        raise ValueError("trials of which the first one, the best, has a count of at least 1")
    return candidates


class Ensemble(StrictModel):
    """Ensemble of networks, chosen by its accuracy on the validation images.

    The prediction of the ensemble is the mean of the class probabilities of its networks.

    Attributes:
        candidates: Trials that were considered for the ensemble, with the best single network
            first.
        val_images: Number of validation images.
        val_accuracy: Accuracy of the ensemble on the validation images.
        test: Test results of the ensemble. None if only one network was chosen, which is no
            ensemble.
        best_trials: Numbers of the trials that were the best when the ensemble was chosen. Some of
            them may not be candidates, because their weights were not kept.
    """

    candidates: Annotated[
        list[Candidate], Field(min_length=1, max_length=MAX_TRIALS), AfterValidator(_checked)
    ]
    val_images: Annotated[Whole, Field(ge=1)]
    val_accuracy: Accuracy
    test: EnsembleTest | None = None
    best_trials: list[Whole] = Field(default_factory=list, max_length=MAX_TRIALS)

    @property
    def members(self) -> list[Candidate]:
        """Candidates that were chosen for the ensemble."""
        return [candidate for candidate in self.candidates if candidate.count]

    @property
    def temperatures(self) -> dict[int, float]:
        """Temperatures of the candidates, keyed by the number of the trial."""
        return {candidate.trial: candidate.temperature for candidate in self.candidates}

    def describe(self) -> str:
        """Return the networks as text, such as ``2 networks (#4 counted twice, #7)``."""
        parts = [
            f"#{member.trial}{_TIMES.get(member.count, f' counted {member.count} times')}"
            for member in self.members
        ]
        return f"{self.networks} ({', '.join(parts)})"

    @property
    def networks(self) -> str:
        """Number of different networks in the ensemble as text, such as ``2 networks``."""
        return f"{len(self.members)} network{'s' * (len(self.members) != 1)}"

    @property
    def origin(self) -> str:
        """The trials from which the ensemble was chosen as text, such as ``8 best trials``."""
        candidates, best = {each.trial for each in self.candidates}, {*self.best_trials}
        if candidates == best or not best:
            return f"{len(candidates)} best trials"
        among = len(candidates & best)
        trials = f"{len(candidates)} trial{'s' * (len(candidates) > 1)}"
        return f"{trials} with kept weights ({among} of the {len(best)} best trials)"

    @property
    def size(self) -> int:
        """Number of networks in the ensemble. A network that is chosen twice counts twice."""
        return _size(self.candidates)


def member_folder(trial: int) -> str:
    """Return the name of the folder that holds the weights of a trial."""
    return f"trial-{trial}"


def write_ensemble(directory: Path, ensemble: Ensemble) -> None:
    """Write the description of an ensemble to ``ensemble.json``.

    Args:
        directory: Results folder of a search.
        ensemble: Ensemble to describe.
    """
    path = path_in(directory, ENSEMBLE_FOLDER, ENSEMBLE_FILE)
    write_text(path, json.dumps(ensemble.model_dump(mode="json")) + "\n")


def read_ensemble(directory: Path) -> Ensemble | None:
    """Read the description of an ensemble from ``ensemble.json``.

    Args:
        directory: Results folder of a search.

    Returns:
        The ensemble, or None if the search has none yet.

    Raises:
        UserError: The file is damaged.
    """
    path = path_in(directory, ENSEMBLE_FOLDER, ENSEMBLE_FILE)
    if not path.exists():
        return None
    try:
        ensemble = read_stored(path, Ensemble)
    except UserError as error:
        raise UserError(f"{error}: {_REMEDY}") from None
    if (ensemble.test is None) != (ensemble.size == 1):
        needed = "null for one network" if ensemble.test else "given for several networks"
        raise UserError(f"{path}: the file is damaged: test must be {needed}: {_REMEDY}")
    return ensemble
