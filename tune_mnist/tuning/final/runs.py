"""What the final evaluation has found: runs of chosen configurations, each tested once."""

import json
import re
import zlib
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter, ValidationError

from tune_mnist.errors import UserError
from tune_mnist.files import is_written, write_text
from tune_mnist.safe_paths import files_in, folders_in, path_in, remove_files
from tune_mnist.training import MODEL_FILE
from tune_mnist.tuning.storage.kept_models import CONFIG_FILE, PART_OF_MODEL, model_folder

FINAL_FOLDER = "final"
MISREAD_FILE = "misread.npz"
_PART_OF_MISREAD = f".{MISREAD_FILE}.part"
_RUN_FILE = re.compile(r"seed-(\d{1,10})\.json", re.ASCII)


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
    """

    model: str
    trial: int
    seed: int
    config: dict[str, Any]
    train_images: int
    test_accuracy: float
    confusion: list[list[int]]
    train_seconds: float


_RUN = TypeAdapter(FinalRun)


@dataclass(frozen=True)
class Misread:
    """Test images that a trained network takes for another class, the surest mistakes first.

    Attributes:
        images: uint8 (N, 28, 28).
        truth: int64 (N,), what they are.
        predicted: int64 (N,), what they were taken for.
        probability: float32 (N,), how sure the network was of that.
    """

    images: NDArray[np.uint8]
    truth: NDArray[np.int64]
    predicted: NDArray[np.int64]
    probability: NDArray[np.float32]


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
    runs = []
    for path in _run_files(directory):
        try:
            run = _RUN.validate_json(path.read_bytes())
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(map(str, first["loc"])) or "JSON"
            raise UserError(
                f"{path}: damaged: {place}: {first['msg']}: remove it, and resume the search"
            ) from None
        if (run.model, f"seed-{run.seed}.json") != (path.parent.name, path.name):
            raise UserError(
                f"{path}: damaged: model = {run.model!r} and seed = {run.seed}: must be those of"
                " its folder and file name: remove it, and resume the search"
            )
        runs.append(run)
    return sorted(runs, key=lambda run: (run.model, run.seed))


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
    remove_files(folder, [PART_OF_MODEL, _PART_OF_MISREAD, *first, *runs])


def write_misread(directory: Path, model: str, misread: Misread) -> None:
    """Write the misread images of an architecture's first final run."""
    folder = final_folder(directory, model)
    folder.mkdir(parents=True, exist_ok=True)
    partial = path_in(folder, _PART_OF_MISREAD)
    with partial.open("wb") as file:
        np.savez_compressed(file, **asdict(misread))
    partial.replace(path_in(folder, MISREAD_FILE))


def read_misread(directory: Path, model: str) -> Misread | None:
    """Return the misread images of an architecture, None if none were kept.

    Raises:
        UserError: the file is damaged.
    """
    path = path_in(final_folder(directory, model), MISREAD_FILE)
    if not path.exists():
        return None
    try:
        with np.load(path, allow_pickle=False) as arrays:
            return Misread(**{field.name: arrays[field.name] for field in fields(Misread)})
    except (ValueError, KeyError, OSError, EOFError, BadZipFile, zlib.error) as error:
        raise UserError(f"{path}: damaged: {error}") from None
