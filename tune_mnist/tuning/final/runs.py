"""Results of final runs, stored in the results folder."""

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
from tune_mnist.stored_values import Accuracy, Finite, Scalar, Text, Whole
from tune_mnist.training import CONFIG_FILE, MODEL_FILE
from tune_mnist.tuning.final.misclassified import MISCLASSIFIED_FILE, PART_OF_MISCLASSIFIED
from tune_mnist.tuning.storage.kept_models import PART_OF_MODEL, model_folder

FINAL_FOLDER = "final"
SEEDS = 2**32
MIN_CLASSES = 2
MAX_IMAGE_COUNT = 10**9
"""Maximum test images of a class; no data set has more."""

_RUN_FILE = re.compile(r"(trial-\d{1,10}-)?seed-(\d{1,10})\.json", re.ASCII)

_Count = Annotated[int, Field(ge=0, le=MAX_IMAGE_COUNT)]


MAX_IMAGES = 10_000_000
"""Maximum test images of a search; no data set has more, and the report uses memory for each."""


def _square(matrix: list[list[int]]) -> list[list[int]]:
    size = len(matrix)
    if not MIN_CLASSES <= size <= MAX_CLASSES or any(len(row) != size for row in matrix):
        raise ValueError(
            f"a row and a column for each of {MIN_CLASSES} to {MAX_CLASSES} classes, all of the"
            " same length"
        )
    if sum(map(sum, matrix)) > MAX_IMAGES:
        raise ValueError(f"at most {MAX_IMAGES:,} images")
    return matrix


@dataclass(frozen=True)
class FinalRun:
    """Result of a final run: a configuration trained from scratch with one seed and tested once.

    Attributes:
        model: Architecture.
        trial: Number of the trial that the configuration comes from.
        seed: Random seed of the initial weights and the batches.
        config: All fields of the run's ``TrainConfig``.
        train_images: Number of training images.
        test_accuracy: Accuracy on the test set after the last epoch, from 0 to 1.
        confusion: Number of test images by true class (rows) and predicted class (columns).
        train_seconds: Sum of the epochs' wall time in seconds.
        misclassified: Indices of the misclassified test images, ascending, or None if an earlier
            version wrote the file without them.
        best: Whether the configuration is the best of its architecture by validation accuracy; the
            weights of its first run are kept.
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

    @property
    def file_name(self) -> str:
        """Name of the run's file in the folder of its architecture."""
        trial = "" if self.best else f"trial-{self.trial}-"
        return f"{trial}seed-{self.seed}.json"


def final_folder(directory: Path, model: str) -> Path:
    """Return the folder of an architecture's final runs.

    Raises:
        UserError: There is no such architecture, or the path is a symbolic link.
    """
    return model_folder(path_in(directory, FINAL_FOLDER), model)


def write_final_run(directory: Path, run: FinalRun) -> None:
    """Write the result of a final run into a results folder."""
    folder = final_folder(directory, run.model)
    folder.mkdir(parents=True, exist_ok=True)
    write_text(path_in(folder, run.file_name), json.dumps(asdict(run), indent=2) + "\n")


def read_final_runs(directory: Path) -> list[FinalRun]:
    """Read the final runs of a search, ordered by architecture, configuration and seed.

    Args:
        directory: Results folder.

    Raises:
        UserError: A file is damaged.
    """
    runs: list[FinalRun] = []
    for path in _run_files(directory):
        run = _read_run(path)
        if (run.model, run.file_name) != (path.parent.name, path.name):
            raise UserError(
                f"{path}: the file is damaged: model {run.model!r}, trial {run.trial}, seed"
                f" {run.seed} and best {run.best} do not match its folder and name: remove the"
                " file, and resume the search"
            )
        if runs and len(run.confusion) != len(runs[0].confusion):
            raise UserError(
                f"{path}: damaged: confusion: {len(run.confusion)} classes, other runs have"
                f" {len(runs[0].confusion)}: remove it, and resume the search"
            )
        _check_misclassified(path, run)
        runs.append(run)
    return sorted(runs, key=lambda run: (run.model, not run.best, run.trial, run.seed))


def _check_misclassified(path: Path, run: FinalRun) -> None:
    """Check that the misclassified images are those that the confusion matrix counts."""
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
            f"{path}: damaged: misclassified: must be {wrong:,} different numbers below"
            f" {images:,}, as confusion counts: remove it, and resume the search"
        )


def _read_run(path: Path) -> FinalRun:
    try:
        return read_stored(path, FinalRun)
    except UserError as error:
        raise UserError(f"{error}: remove it, and resume the search") from None


def _run_files(directory: Path) -> list[Path]:
    """Return the paths of the final runs' files, after a check of the folders' names."""
    final = path_in(directory, FINAL_FOLDER)
    return [
        path_in(final_folder(directory, model), file)
        for model in folders_in(final)
        for file in files_in(final / model)
        if _RUN_FILE.fullmatch(file)
    ]


def remove_final_run(directory: Path, run: FinalRun) -> None:
    """Remove the file of one final run; the weights of its architecture stay."""
    folder = final_folder(directory, run.model)
    remove_files(folder, [name for name in files_in(folder) if is_written(name, run.file_name)])


def remove_final_runs(directory: Path, model: str) -> None:
    """Remove the files that an architecture's final runs have written; other files are kept.

    The results are removed last, so that a removal which was interrupted is repeated.

    Args:
        directory: Results folder.
        model: Architecture.
    """
    folder = final_folder(directory, model)
    there = files_in(folder)
    runs = [name for name in there if _RUN_FILE.fullmatch(name)]
    written = (MODEL_FILE, CONFIG_FILE, MISCLASSIFIED_FILE, *runs)
    others = [name for name in there if any(is_written(name, other) for other in written)]
    first = [name for name in others if name not in runs]
    remove_files(folder, [PART_OF_MODEL, PART_OF_MISCLASSIFIED, *first, *runs])
