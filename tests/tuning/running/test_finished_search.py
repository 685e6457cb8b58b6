"""A resume of a finished search changes no file."""

import io
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from tests.messages import assert_named
from tests.reporting.searches import ONE_MODEL, Search
from tests.tuning.settings import context_in
from tune_mnist import run_search
from tune_mnist.data import Dataset
from tune_mnist.tuning.final.final_evaluation import FinalEvaluation
from tune_mnist.tuning.options.search_options import SearchOptions
from tune_mnist.tuning.planning.resources import Workers
from tune_mnist.tuning.results_folder.experiment_file import read_experiment
from tune_mnist.tuning.running.finished_search import finished_outcome
from tune_mnist.tuning.running.stop_reason import Outcome, StopReason

LABELS = np.zeros(1, np.int64)
IMAGES = np.zeros((1, 28, 28), np.uint8)


def outcome_of(directory: Path, **changed: object) -> Outcome | None:
    experiment = read_experiment(directory)
    space = experiment.search_space(directory)
    options = SearchOptions.checked(space, **(experiment.options | changed))
    context = context_in(directory, space, options, Workers(cpus=1, gpus=0, concurrent=1))
    dataset = Dataset("digits", IMAGES, LABELS, IMAGES, LABELS, ("0", "1"))
    stored = experiment.stored_options(directory, space)
    return finished_outcome(FinalEvaluation(context, dataset, LABELS), stored, whole_val=False)


@pytest.fixture
def finished(tmp_path):
    search = Search(tmp_path / "done", ONE_MODEL, num_samples=2, final_seeds=0)
    search.trial(0.5, 0.6, 0.7)
    search.trial(0.5)
    search.end()
    return search


def test_nothing_is_left_of_a_finished_search(finished):
    outcome = outcome_of(finished.directory)
    assert outcome is not None
    assert (outcome.stop_reason, outcome.is_unchanged) == (StopReason.FINISHED, True)


@pytest.mark.parametrize(
    "changed",
    [{"num_samples": 3}, {"final_seeds": 1}, {"tensorboard": True}, {"patience": 9}],
)
def test_options_can_add_to_a_finished_search(finished, changed):
    assert outcome_of(finished.directory, **changed) is None


def test_options_that_say_only_where_trials_run_add_nothing(finished):
    assert outcome_of(finished.directory, max_concurrent=1, dashboard=False) is not None


def test_a_space_without_further_configurations_is_finished(finished):
    finished.end(StopReason.EXHAUSTED)
    outcome = outcome_of(finished.directory)
    assert outcome is not None
    assert outcome.stop_reason is StopReason.EXHAUSTED


def test_checkpoints_that_were_left_are_to_be_removed(finished):
    left = finished.directory / "checkpoints" / "00001" / "epoch-0001"
    left.mkdir(parents=True)
    (left / "model.pt").touch()
    assert outcome_of(finished.directory) is None


def test_an_outdated_final_run_is_left_to_be_removed(finished):
    finished.final("lenet", 1, 0, [[9, 1], [0, 10]])
    assert outcome_of(finished.directory) is None


@pytest.mark.parametrize("reason", [None, StopReason.INTERRUPTED, StopReason.OUT_OF_TIME])
def test_a_search_that_did_not_finish_is_continued(tmp_path, reason):
    search = Search(tmp_path / "cut", ONE_MODEL, num_samples=2, final_seeds=0)
    search.trial(0.5, 0.6, 0.7)
    search.trial(0.5, ends=False)
    if reason is not None:
        search.end(reason)
    assert outcome_of(search.directory) is None


def files_of(directory: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in directory.rglob("*") if path.is_file()}


@pytest.mark.e2e
def test_a_resume_of_a_finished_search_changes_no_file(tmp_path, digits, small_ray):
    given = {"num_samples": 1, "max_epochs": 1, "final_seeds": 1, "dataset": digits}
    given |= {"output_dir": tmp_path, "name": "done"}
    run_search("lenet", **given, console=Console(quiet=True))
    before = files_of(tmp_path)
    stream = io.StringIO()
    directory = tmp_path / "done"
    run_search(resume=directory, dataset=digits, console=Console(file=stream, width=300))
    assert files_of(tmp_path) == before
    (hint,) = [line for line in stream.getvalue().splitlines() if "tune_mnist.report" in line]
    assert_named([str(directory)], hint)
