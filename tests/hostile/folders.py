"""Results folders from somebody else, and a watched disk around them."""

import json
import shutil
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from tests.reporting.searches import Search
from tune_mnist.data import Dataset

NOWHERE = ("--address", "127.0.0.1:1")
"""Where no Ray is, so that a search which is not refused ends all the same."""


def stranger_folder(directory: Path, dataset: Dataset, model: Path) -> Path:
    """Write the results folder of a finished search, as somebody else sends it.

    Args:
        directory: Folder to be made.
        dataset: Images that the search was made on.
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
    (directory / "ray").mkdir()
    edit(directory / "experiment.json", lambda values: values.pop("signature"))
    return directory


def watched_folder(folder: Path) -> Path:
    """Write a folder that a search must leave alone, with names that searches use."""
    (folder / "epoch-0001").mkdir(parents=True)
    (folder / "lenet").mkdir()
    for name in (
        *("thesis.tex", "id_ed25519", "history.html", "best.csv", "result.json", "seed-0.json"),
        *("model.pt", "config.json", "epoch-0001/model.pt", "lenet/model.pt", "lenet/seed-0.json"),
    ):
        (folder / name).write_text(f"the user's own {name}\n")
    return folder


def contents(top: Path, without: Path | None = None) -> dict[str, Any]:
    """Return what lies in a folder at every depth, by path: kind and rights, content or target.

    Args:
        top: Folder to look through.
        without: Folder to leave out.
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
    """Change a file of JSON."""
    values = json.loads(path.read_text())
    change(values)
    path.write_text(json.dumps(values))


def replace_by_link(path: Path, target: Path) -> None:
    """Put a symbolic link into the place of a file or folder, whether or not it exists."""
    if path.is_dir():
        shutil.rmtree(path)
    path.unlink(missing_ok=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.symlink_to(target)
