"""The reference pages name what the code has."""

import re
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pytest

from tune_mnist.stored_json import StrictModel
from tune_mnist.training import CONFIG_COLUMNS, EpochMetrics
from tune_mnist.tuning.final.runs import FinalRun
from tune_mnist.tuning.recording.trial_attributes import TrialAttributes
from tune_mnist.tuning.recording.trial_record import to_frame
from tune_mnist.tuning.results_folder.experiment_file import Experiment
from tune_mnist.tuning.schedulers.registry import scheduler_names
from tune_mnist.tuning.searching.registry import searcher_names

ROOT = Path(__file__).resolve().parents[2]
REFERENCE = ROOT / "docs" / "reference"


def names_in(page: str) -> set[str]:
    """Return what stands between backticks on a page of the reference."""
    text = (REFERENCE / page).read_text(encoding="utf-8")
    return {name.strip() for code in re.findall(r"`([^`\n]+)`", text) for name in code.split(",")}


@pytest.mark.parametrize(
    ("script", "page"),
    [
        ("generate_options.py", "options.md"),
        ("generate_space_file.py", "space-file.md"),
        ("generate_glossary.py", "glossary.md"),
    ],
)
def test_a_generated_page_is_up_to_date(script: str, page: str) -> None:
    generated = subprocess.run(
        [sys.executable, f"docs/{script}", "--show"],
        cwd=ROOT,
        env={"PYTHONPATH": str(ROOT), "PYTHONUTF8": "1"},
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    assert generated == (REFERENCE / page).read_text(encoding="utf-8"), "run: make docs"


def test_every_metric_of_an_epoch_is_explained() -> None:
    assert {field.name for field in fields(EpochMetrics)} <= names_in("metrics.md")


def test_every_column_of_the_table_of_trials_is_explained() -> None:
    columns = set(to_frame([])) - set(CONFIG_COLUMNS)
    assert columns <= names_in("results-folder.md")


@pytest.mark.parametrize("model", [Experiment, TrialAttributes])
def test_every_key_of_a_stored_file_is_explained(model: type[StrictModel]) -> None:
    assert set(model.model_fields) <= names_in("results-folder.md")


def test_every_key_of_a_final_run_is_explained() -> None:
    assert {field.name for field in fields(FinalRun)} <= names_in("results-folder.md")


def test_every_searcher_and_scheduler_is_explained() -> None:
    names = names_in("searchers-and-schedulers.md")
    missing = {*searcher_names(), *scheduler_names()} - names
    assert not missing, "docs/reference/searchers-and-schedulers.md has no row for them"
