"""What the final evaluation has found: runs of chosen configurations, each tested once."""

import json
import zlib
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter, ValidationError

from tune_mnist.errors import UserError
from tune_mnist.files import write_text

FINAL_FOLDER = "final"
MISREAD_FILE = "misread.npz"


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
    """Return where a search keeps the final runs of an architecture."""
    return directory / FINAL_FOLDER / model


def write_final_run(directory: Path, run: FinalRun) -> None:
    """Write a final run into the folder of its search."""
    folder = final_folder(directory, run.model)
    folder.mkdir(parents=True, exist_ok=True)
    write_text(folder / f"seed-{run.seed}.json", json.dumps(asdict(run), indent=2) + "\n")


def read_final_runs(directory: Path) -> list[FinalRun]:
    """Return the final runs of a search, by model and seed; empty if there are none.

    Raises:
        UserError: a file is damaged.
    """
    runs = []
    for path in (directory / FINAL_FOLDER).glob("*/seed-*.json"):
        try:
            runs.append(_RUN.validate_json(path.read_bytes()))
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(map(str, first["loc"])) or "JSON"
            raise UserError(
                f"{path}: damaged: {place}: {first['msg']}: remove it, and resume the search"
            ) from None
    return sorted(runs, key=lambda run: (run.model, run.seed))


def remove_final_runs(directory: Path, model: str) -> None:
    """Remove what the final runs of an architecture have left, the runs themselves last.

    A crash in between leaves runs that are known to be removed.
    """
    folder = final_folder(directory, model)
    for path in sorted(folder.iterdir(), key=lambda path: path.match("seed-*.json")):
        path.unlink()
    folder.rmdir()


def write_misread(directory: Path, model: str, misread: Misread) -> None:
    """Write the misread images of an architecture's first final run."""
    folder = final_folder(directory, model)
    folder.mkdir(parents=True, exist_ok=True)
    partial = folder / f".{MISREAD_FILE}.part"
    with partial.open("wb") as file:
        np.savez_compressed(file, **asdict(misread))
    partial.replace(folder / MISREAD_FILE)


def read_misread(directory: Path, model: str) -> Misread | None:
    """Return the misread images of an architecture, None if none were kept.

    Raises:
        UserError: the file is damaged.
    """
    path = final_folder(directory, model) / MISREAD_FILE
    if not path.exists():
        return None
    try:
        with np.load(path, allow_pickle=False) as arrays:
            return Misread(**{field.name: arrays[field.name] for field in fields(Misread)})
    except (ValueError, KeyError, OSError, EOFError, BadZipFile, zlib.error) as error:
        raise UserError(f"{path}: damaged: {error}") from None
