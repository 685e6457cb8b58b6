"""Untrusted results folders, and watched folders beside them."""

import json
import shutil
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from tests.reporting.searches import Search
from tune_mnist.data import Dataset
from tune_mnist.training.ensemble_file import (
    Candidate,
    Ensemble,
    EnsembleTest,
    Predictions,
    write_ensemble,
)

NOWHERE = ("--address", "127.0.0.1:1")
"""Address without Ray, so that a search which is not refused ends at once."""


def stranger_folder(directory: Path, dataset: Dataset, model: Path) -> Path:
    """Write the results folder of a finished search without the user's signature.

    Args:
        directory: Folder to create.
        dataset: Data set of the search.
        model: Folder of a trained LeNet.
    """
    search = Search(directory, dataset=dataset, num_samples=4)
    search.trial(0.8, 0.9, 0.95)
    search.trial(0.7, model="resnet", optimizer="sgd", momentum=0.5)
    search.trial(0.85, ends=False)
    confusion = np.diag([18] * dataset.num_classes)
    confusion[0, 1], confusion[1, 0] = 1, 2
    search.final("lenet", 0, 0, confusion.tolist())
    shutil.copytree(model, directory / "best" / "lenet")
    shutil.copytree(model, directory / "checkpoints" / "00002" / "epoch-0001")
    write_ensemble_of(directory, model)
    (directory / "ray").mkdir()
    edit(directory / "experiment.json", lambda values: values.pop("signature"))
    return directory


def write_ensemble_of(directory: Path, model: Path) -> None:
    """Write an ensemble of two trials, with their weights, into a results folder.

    Args:
        directory: Results folder.
        model: Folder of a trained LeNet, which both trials have.
    """
    ensemble = example_ensemble(images=180)
    for member in ensemble.members:
        folder = directory / "ensemble" / f"trial-{member.trial}"
        shutil.copytree(model, folder)
        edit(folder / "config.json", lambda config, origin=member: config.update(origin))
    write_ensemble(directory, ensemble)


def example_ensemble(images: int) -> Ensemble:
    """Return an ensemble of trials 0 and 2, given the number of test images, at least 3."""
    values = {"model": "lenet", "epoch": 1, "val_accuracy": 0.9, "temperature": 1.5}
    predictions = Predictions.of([1, 2], 0.1)
    return Ensemble(
        candidates=[Candidate(trial=0, count=2, **values), Candidate(trial=2, count=1, **values)],
        val_images=288,
        val_accuracy=0.9,
        test=EnsembleTest(images=images, ensemble=predictions, single=predictions),
    )


def watched_folder(folder: Path) -> Path:
    """Write a folder that no command may change, with file names that searches use."""
    (folder / "epoch-0001").mkdir(parents=True)
    (folder / "lenet").mkdir()
    for name in (
        *("thesis.tex", "id_ed25519", "history.html", "best.csv", "result.json", "seed-0.json"),
        *("model.pt", "config.json", "epoch-0001/model.pt", "lenet/model.pt", "lenet/seed-0.json"),
    ):
        (folder / name).write_text(f"the user's own {name}\n")
    return folder


def contents(top: Path, without: Path | None = None) -> dict[str, Any]:
    """Return the content of a folder by path: type, permissions, and file content or link target.

    Args:
        top: Folder to list recursively.
        without: Folder to exclude.
    """
    found: dict[str, Any] = {}
    for path in sorted(top.rglob("*")):
        if without is not None and (path == without or without in path.parents):
            continue
        mode = path.lstat().st_mode
        if stat.S_ISLNK(mode):
            found[str(path)] = (mode, path.readlink())
        else:
            found[str(path)] = (mode, path.read_bytes() if stat.S_ISREG(mode) else None)
    return found


def edit(path: Path, change: Callable[[dict[str, Any]], Any]) -> None:
    """Change the content of a JSON file."""
    values = json.loads(path.read_text())
    change(values)
    path.write_text(json.dumps(values))


def replace_by_link(path: Path, target: Path) -> None:
    """Replace a file or folder, which may not exist, by a symbolic link."""
    if path.is_dir():
        shutil.rmtree(path)
    path.unlink(missing_ok=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.symlink_to(target)
