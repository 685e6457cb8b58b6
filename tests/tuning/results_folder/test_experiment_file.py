"""Results folders on file systems without locks, and of earlier versions."""

import errno
import fcntl
import os

import pytest

from tests.messages import assert_refused
from tune_mnist.api.search import run_search
from tune_mnist.errors import UserError
from tune_mnist.tuning.options.search_options import SearchOptions
from tune_mnist.tuning.results_folder.experiment_file import (
    EXPERIMENT_FILE,
    Experiment,
    read_experiment,
)
from tune_mnist.tuning.results_folder.lock import check_lockable, claimed
from tune_mnist.tuning.spaces.space import load_space


@pytest.fixture(params=[errno.EOPNOTSUPP, errno.ENOLCK, errno.EIO])
def no_locks(monkeypatch, request):
    def refuse(*arguments):
        raise OSError(request.param, os.strerror(request.param))

    monkeypatch.setattr(fcntl, "flock", refuse)
    return os.strerror(request.param)


def test_a_misspelled_folder_is_named_with_the_one_that_may_be_meant(tmp_path):
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        (tmp_path / name / EXPERIMENT_FILE).touch()
    assert_refused([f"{tmp_path}/frist", "'first'"], read_experiment, tmp_path / "frist")


def test_a_new_search_without_locks_leaves_no_files(tmp_path, no_locks):
    given = {"dataset": "digits", "name": "x", "output_dir": tmp_path, "num_samples": 1}
    assert_refused([f"{tmp_path}/x", no_locks], run_search, **given)
    assert list(tmp_path.iterdir()) == []


def test_a_resume_without_locks_is_refused(tmp_path, no_locks):
    with (
        pytest.raises(UserError, match=f"{tmp_path}: .*{no_locks}"),
        claimed(tmp_path),
    ):
        pass


def test_a_file_system_with_locks_is_accepted_and_left_empty(tmp_path):
    check_lockable(tmp_path / "not" / "there" / "yet")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("space", "resumable"), [("lenet", False), ("resnet", True), ("all", False)]
)
def test_a_search_with_other_initial_weights_is_not_resumed(space, resumable):
    """Versions before ``--init`` drew LeNet's weights four times smaller, and stored no init."""
    searched = load_space(space)
    options = SearchOptions.for_space(searched).model_dump(mode="json", exclude={"init"})
    earlier = Experiment.model_construct(options=options)
    if resumable:
        assert earlier.options_with(searched, {}).init == "derived"
        return
    for given in ({}, {"init": "torch"}, {"init": "derived"}):
        assert_refused("lenet", earlier.options_with, searched, given)
