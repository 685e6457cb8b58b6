"""Targets: files of a results folder, and the commands that read them."""

from pathlib import Path

import click
import numpy as np
import torch
from PIL import Image

from tests.fuzz.mutators import byte_damage, json_damage, json_lines_damage
from tests.fuzz.searches import resume, warm_start
from tests.fuzz.target import Damage, Target
from tests.hostile.folders import example_ensemble
from tests.reporting.searches import PARAMETERS, Search, best_config
from tune_mnist.models import create_model
from tune_mnist.predict import predict
from tune_mnist.report import report
from tune_mnist.reporting.stored_search import read_search
from tune_mnist.reporting.summary import search_page, search_tables
from tune_mnist.training import CONFIG_FILE, MODEL_FILE
from tune_mnist.training.ensemble_file import write_ensemble
from tune_mnist.tuning.final.misclassified import (
    Misclassified,
    read_misclassified,
    write_misclassified,
)
from tune_mnist.tuning.final.runs import final_folder
from tune_mnist.tuning.storage.kept_models import write_config


def _search(folder: Path) -> None:
    search = Search(folder / "demo")
    search.trial(0.8, 0.9, 0.95)
    search.trial(0.7, model="resnet", optimizer="sgd", momentum=0.5)
    search.trial(
        0.6, 0.65, 0.5, takeovers=[{"epoch": 1, "donor": 0, "params": PARAMETERS | {"lr": 0.01}}]
    )
    search.trial(diverges=True, lr=0.09)
    search.trial(0.85, ends=False)
    for seed in range(2):
        search.final("lenet", 0, seed, [[20, 1], [2, 18]])
    best = folder / "demo" / "best" / "lenet"
    best.mkdir(parents=True)
    write_config(best, best_config("lenet", 0, full_val_accuracy=0.9))
    (folder / "demo" / "ensemble").mkdir()
    write_ensemble(folder / "demo", example_ensemble(images=41))
    (folder / "demo" / "trials.csv").write_text(search.read().trials.to_csv(index=False))
    images = np.zeros((2, 28, 28), np.uint8)
    classes = np.zeros(2, np.int64)
    write_misclassified(
        final_folder(folder / "demo", "lenet"),
        Misclassified(images, classes, classes + 1, np.ones(2, np.float32)),
    )


@click.command()
@click.argument("directory", type=click.Path(path_type=Path))
def tables(directory: Path) -> None:
    """Read a results folder, and build the report except for the costly plots."""
    results = read_search(directory)
    search_page(results, search_tables(results))


@click.command()
@click.argument("directory", type=click.Path(path_type=Path))
def misclassified(directory: Path) -> None:
    """Read the misclassified images of a results folder, as the report does."""
    read_misclassified(final_folder(directory, "lenet"))


def _report_on(
    name: str,
    damage: Damage = json_damage,
    command: click.Command = report,
    named: str = "",
) -> Target:
    def prepare(folder: Path) -> Path:
        _search(folder)
        return folder / "demo" / name

    return Target(prepare, damage, command, lambda folder: [str(folder / "demo")], named or name)


def _picture(folder: Path) -> Path:
    """Write a LeNet and a picture; return the path of the network's configuration."""
    best = folder / "best" / "lenet"
    best.mkdir(parents=True)
    torch.save(create_model("lenet").state_dict(), best / MODEL_FILE)
    pixels = np.zeros((28, 28), np.uint8)
    pixels[6:22, 14] = 255
    Image.fromarray(pixels).save(folder / "digit.png")
    write_config(best, best_config("lenet", 0))
    return best / CONFIG_FILE


def _predict(folder: Path) -> list[str]:
    return ["--model", str(folder / "best" / "lenet"), str(folder / "digit.png")]


EXPERIMENT = _report_on("experiment.json")
JOURNAL = _report_on("study.journal", json_lines_damage)
RESUMED = _report_on("study.journal", json_lines_damage, resume)
WARM_START = _report_on("study.journal", json_lines_damage, warm_start, named="demo")
BEST = _report_on("best/lenet/config.json", command=tables)
ENSEMBLE = _report_on("ensemble/ensemble.json", command=tables)
FINAL_RUN = _report_on("final/lenet/seed-0.json")
MISREAD = _report_on("final/lenet/misread.npz", byte_damage, misclassified)
TRIALS = _report_on("trials.csv", byte_damage, tables)
CONFIG = Target(_picture, json_damage, predict, _predict, CONFIG_FILE)
