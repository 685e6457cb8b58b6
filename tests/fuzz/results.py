"""Targets: the files of a results folder, and the commands that read them."""

from pathlib import Path

from tests.fuzz.mutators import json_damage, json_lines_damage
from tests.fuzz.target import Target
from tests.reporting.searches import PARAMETERS, Search
from tune_mnist.report import report


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


def _report_on(name: str) -> Target:
    def prepare(folder: Path) -> Path:
        _search(folder)
        return folder / "demo" / name

    damage = json_lines_damage if name.endswith("journal") else json_damage
    return Target(prepare, damage, report, lambda folder: [str(folder / "demo")], name)


EXPERIMENT = _report_on("experiment.json")
JOURNAL = _report_on("study.journal")
FINAL_RUN = _report_on("final/lenet/seed-0.json")
