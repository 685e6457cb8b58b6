"""What the final evaluation has found: runs of chosen configurations, each tested once."""

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
from tune_mnist.training import MODEL_FILE
from tune_mnist.tuning.final.misclassified import MISREAD_FILE, PART_OF_MISREAD
from tune_mnist.tuning.storage.kept_models import CONFIG_FILE, PART_OF_MODEL, model_folder

FINAL_FOLDER = "final"
SEEDS = 2**32
MIN_CLASSES = 2
MAX_COUNT = 10**9
"""Test images of a class, of which no data set has more."""

_RUN_FILE = re.compile(r"seed-(\d{1,10})\.json", re.ASCII)

_Count = Annotated[int, Field(ge=0, le=MAX_COUNT)]


MAX_IMAGES = 10_000_000
"""Test images of a search, of which no data set has more; the report keeps a number for each."""


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
    """A chosen configuration, trained anew with one seed on all training data, and tested once.

    Attributes:
        model: the architecture.
        trial: number of the trial that the configuration comes from.
        seed: of the weights and batches.
        config: every field of the TrainConfig.
        train_images: how many images it was trained on.
        test_accuracy: share of the test images classified right, after the last epoch.
        confusion: test images, by true class (rows) and predicted class.
        train_seconds: sum of its epochs' wall time.
        misclassified: Indices of the test images that it takes for another class, ascending; None
            in files of versions that did not keep them.
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


def final_folder(directory: Path, model: str) -> Path:
    """Return where a search keeps the final runs of an architecture.

    Raises:
        UserError: There is no such architecture, or the path is a symbolic link.
    """
    return model_folder(path_in(directory, FINAL_FOLDER), model)


def write_final_run(directory: Path, run: FinalRun) -> None:
    """Write a final run into the folder of its search."""
    folder = final_folder(directory, run.model)
    folder.mkdir(parents=True, exist_ok=True)
    write_text(path_in(folder, f"seed-{run.seed}.json"), json.dumps(asdict(run), indent=2) + "\n")


def read_final_runs(directory: Path) -> list[FinalRun]:
    """Return the final runs of a search, by model and seed; empty if there are none.

    Raises:
        UserError: a file is damaged.
    """
    runs: list[FinalRun] = []
    for path in _run_files(directory):
        run = _read_run(path)
        if (run.model, f"seed-{run.seed}.json") != (path.parent.name, path.name):
            raise UserError(
                f"{path}: damaged: model = {run.model!r} and seed = {run.seed}: must be those of"
                " its folder and file name: remove it, and resume the search"
            )
        if runs and len(run.confusion) != len(runs[0].confusion):
            raise UserError(
                f"{path}: damaged: confusion: {len(run.confusion)} classes, other runs have"
                f" {len(runs[0].confusion)}: remove it, and resume the search"
            )
        _check_misclassified(path, run)
        runs.append(run)
    return sorted(runs, key=lambda run: (run.model, run.seed))


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
    """Return the paths of the final runs of a search, after checking the folders' names."""
    final = path_in(directory, FINAL_FOLDER)
    return [
        path_in(final_folder(directory, model), file)
        for model in folders_in(final)
        for file in files_in(final / model)
        if _RUN_FILE.fullmatch(file)
    ]


def remove_final_runs(directory: Path, model: str) -> None:
    """Remove what the final runs of an architecture have written, the runs themselves last.

    A crash in between leaves runs that are known to be removed. Other files stay.
    """
    folder = final_folder(directory, model)
    there = files_in(folder)
    runs = [name for name in there if _RUN_FILE.fullmatch(name)]
    written = (MODEL_FILE, CONFIG_FILE, MISREAD_FILE, *runs)
    others = [name for name in there if any(is_written(name, other) for other in written)]
    first = [name for name in others if name not in runs]
    remove_files(folder, [PART_OF_MODEL, PART_OF_MISREAD, *first, *runs])
