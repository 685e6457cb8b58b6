"""Results of final runs, and their files in the results folder."""

import json
import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field

from tune_mnist.errors import UserError
from tune_mnist.files import is_written, write_text
from tune_mnist.models import MAX_CLASSES
from tune_mnist.safe_paths import files_in, folders_in, path_in, remove_files
from tune_mnist.stored_json import read_stored
from tune_mnist.stored_values import MAX_IMAGES, Accuracy, Finite, Scalar, Text, Whole
from tune_mnist.training import CONFIG_FILE, MODEL_FILE
from tune_mnist.training.calibration import MAX_TEMPERATURE, MIN_TEMPERATURE
from tune_mnist.tuning.final.misclassified import MISCLASSIFIED_FILE, PART_OF_MISCLASSIFIED
from tune_mnist.tuning.storage.kept_models import PART_OF_MODEL, model_folder

FINAL_FOLDER = "final"
SEEDS = 2**32
MIN_CLASSES = 2
MAX_IMAGE_COUNT = 10**9
"""Maximum number in a cell of a confusion matrix; no data set has more images."""

_REMEDY = "remove the file and resume the search"
_RUN_FILE = re.compile(r"(trial-\d{1,10}-)?seed-(\d{1,10})\.json", re.ASCII)

_Count = Annotated[int, Field(ge=0, le=MAX_IMAGE_COUNT)]


def _square(matrix: list[list[int]]) -> list[list[int]]:
    size = len(matrix)
    if not MIN_CLASSES <= size <= MAX_CLASSES or any(len(row) != size for row in matrix):
        raise ValueError(f"a square matrix for {MIN_CLASSES} to {MAX_CLASSES} classes")
    if sum(map(sum, matrix)) > MAX_IMAGES:
        raise ValueError(f"a matrix that counts at most {MAX_IMAGES:,} images")
    return matrix


@dataclass(frozen=True)
class Calibration:
    """Calibration of a final run on the test images.

    Attributes:
        error: Expected calibration error (ECE) with 15 bins, from 0 to 1.
        temperature: Temperature by which the logits are divided. It was fitted to the trial's best
            epoch on the validation images, because the final run trains on these images. None if
            the weights of the trial were not kept.
        scaled_error: Expected calibration error with this temperature, or None if there is none.
    """

    error: Accuracy
    temperature: Annotated[float, Field(ge=MIN_TEMPERATURE, le=MAX_TEMPERATURE)] | None = None
    scaled_error: Accuracy | None = None


@dataclass(frozen=True)
class FinalRun:
    """Result of a final run: one training from scratch with one seed, and one test.

    Attributes:
        model: Architecture.
        trial: Number of the trial that provided the configuration.
        seed: Random seed for the initial weights and the order of the images.
        config: All fields of the run's ``TrainConfig``.
        train_images: Number of training images.
        test_accuracy: Accuracy on the test set after the last epoch, from 0 to 1.
        confusion: Number of test images by true class (rows) and predicted class (columns).
        train_seconds: Sum of the epochs' wall time in seconds.
        misclassified: Indices of the misclassified test images, ascending, or None if they
            are more than 100,000, or if an earlier version wrote the file.
        best: Whether the configuration has the best validation accuracy of its architecture. For
            such a configuration, the weights of the first run are kept.
        calibration: Calibration on the test images. None in files of earlier versions.
    """

    model: Text
    trial: Whole
    seed: Annotated[int, Field(ge=0, lt=SEEDS)]
    config: dict[str, Scalar]
    train_images: Annotated[Whole, Field(ge=1)]
    test_accuracy: Accuracy
    confusion: Annotated[list[list[_Count]], AfterValidator(_square)]
    train_seconds: Annotated[Finite, Field(ge=0)]
    misclassified: list[_Count] | None = None
    best: bool = True
    calibration: Calibration | None = None

    @property
    def file_name(self) -> str:
        """Name of the file that stores the run, in the folder of the architecture."""
        trial = "" if self.best else f"trial-{self.trial}-"
        return f"{trial}seed-{self.seed}.json"


def final_folder(directory: Path, model: str) -> Path:
    """Return the folder of an architecture's final runs.

    Raises:
        UserError: The architecture is unknown, or the path is a symbolic link.
    """
    return model_folder(path_in(directory, FINAL_FOLDER), model)


def write_final_run(directory: Path, run: FinalRun) -> None:
    """Write the result of a final run to a results folder."""
    folder = final_folder(directory, run.model)
    folder.mkdir(parents=True, exist_ok=True)
    write_text(path_in(folder, run.file_name), json.dumps(asdict(run), indent=2) + "\n")


def read_final_runs(directory: Path) -> list[FinalRun]:
    """Read the final runs of a search, ordered by architecture, configuration and seed.

    Raises:
        UserError: A file is damaged.
    """
    runs: list[FinalRun] = []
    for path in _run_files(directory):
        run = _read_run(path)
        if (run.model, run.file_name) != (path.parent.name, path.name):
            raise UserError(
                f"{path}: the file is damaged: model {run.model!r}, trial {run.trial}, seed"
                f" {run.seed} and best {run.best} do not match its folder and name: {_REMEDY}"
            )
        if runs and len(run.confusion) != len(runs[0].confusion):
            raise UserError(
                f"{path}: the file is damaged: confusion has {len(run.confusion)} classes, but"
                f" other runs have {len(runs[0].confusion)}: {_REMEDY}"
            )
        _check_misclassified(path, run)
        runs.append(run)
    return sorted(runs, key=lambda run: (run.model, not run.best, run.trial, run.seed))


def _check_misclassified(path: Path, run: FinalRun) -> None:
    """Check that the misclassified images agree with the confusion matrix."""
    if run.misclassified is None:
        return
    images = sum(map(sum, run.confusion))
    wrong = images - sum(row[label] for label, row in enumerate(run.confusion))
    chosen = set(run.misclassified)
    if (
        len(chosen) != len(run.misclassified)
        or len(chosen) != wrong
        or max(chosen, default=0) >= images
    ):
        raise UserError(
            f"{path}: the file is damaged: misclassified must have {wrong:,} different numbers"
            f" below {images:,} to match confusion: {_REMEDY}"
        )


def _read_run(path: Path) -> FinalRun:
    try:
        return read_stored(path, FinalRun)
    except UserError as error:
        raise UserError(f"{error}: {_REMEDY}") from None


def _run_files(directory: Path) -> list[Path]:
    """Return the paths of the files of final runs, after checking the names of their folders."""
    final = path_in(directory, FINAL_FOLDER)
    return [
        path_in(final_folder(directory, model), file)
        for model in folders_in(final)
        for file in files_in(final / model)
        if _RUN_FILE.fullmatch(file)
    ]


def remove_final_run(directory: Path, run: FinalRun) -> None:
    """Remove the file of one final run; the weights of the architecture are kept."""
    folder = final_folder(directory, run.model)
    remove_files(folder, [name for name in files_in(folder) if is_written(name, run.file_name)])


def remove_final_runs(directory: Path, model: str) -> None:
    """Remove the files written by an architecture's final runs, but keep all other files.

    Result files are removed last, so that an interrupted removal is repeated when the search is
    resumed.
    """
    folder = final_folder(directory, model)
    there = files_in(folder)
    runs = [name for name in there if _RUN_FILE.fullmatch(name)]
    written = (MODEL_FILE, CONFIG_FILE, MISCLASSIFIED_FILE, *runs)
    others = [name for name in there if any(is_written(name, other) for other in written)]
    first = [name for name in others if name not in runs]
    remove_files(folder, [PART_OF_MODEL, PART_OF_MISCLASSIFIED, *first, *runs])
