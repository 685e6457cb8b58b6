import io
from types import SimpleNamespace

import pytest
from rich.console import Console

from tests.messages import assert_named
from tune_mnist.durations import approximately
from tune_mnist.tuning.options.search_options import SearchOptions
from tune_mnist.tuning.planning.expected_time import announce_time
from tune_mnist.tuning.planning.resources import Workers
from tune_mnist.tuning.planning.speeds import NotMeasuredError, Speed
from tune_mnist.tuning.spaces.space import load_space


@pytest.fixture
def announced(digits_split):
    """Function that returns the announcement of a search of 9 trials on two workers."""

    def announce(measure, portfolio_trials=0, max_epochs=1, trained=(), **given):
        space = load_space("lenet")
        setup = SimpleNamespace(
            space=space,
            options=SearchOptions.for_space(space, num_samples=9, max_epochs=max_epochs, **given),
            settings=SimpleNamespace(fidelity=None),
            workers=Workers(1, 0, 2),
            final_images=1000,
        )
        told = io.StringIO()
        announce_time(
            Console(file=told, width=200),
            setup,
            digits_split,
            9,
            measure,
            exempt=portfolio_trials,
            trained=trained,
        )
        return told.getvalue().strip()

    return announce


def test_time_and_epochs_are_announced(announced, digits_split):
    speed = Speed(len(digits_split.train) / 200, len(digits_split.val) / 40)
    line = announced(lambda: {"lenet": speed}, final_seeds=0)
    # 9 epochs of 240 seconds on two workers.
    assert "0:18:0" in line
    assert_named("9", line)  # epochs


def test_trials_of_a_portfolio_are_expected_to_train_all_epochs(announced):
    speeds = {"lenet": Speed(100, 100)}
    line = announced(lambda: speeds, portfolio_trials=9, max_epochs=9, final_seeds=0)
    assert_named("81", line)  # epochs


def test_epochs_that_were_trained_before_a_resume_are_not_expected_again(announced, digits_split):
    speed = Speed(len(digits_split.train) / 200, len(digits_split.val) / 40)
    given = {"portfolio_trials": 9, "max_epochs": 4, "trained": [3, 2], "final_seeds": 0}
    line = announced(lambda: {"lenet": speed}, **given)
    assert_named("31", line)  # epochs
    assert "1:02:" in line
    almost_done = announced(lambda: {"lenet": speed}, **given | {"trained": [4] * 9})
    assert_named("9", almost_done)


def test_final_runs_and_time_budget_are_announced(announced):
    line = announced(lambda: {"lenet": Speed(10, 1e9)}, final_seeds=2, time_budget=60)
    assert_named("0:01:00", line)  # the time budget
    assert " 0:01:4" in line  # the final runs


def test_a_tiny_search_has_no_time_of_zero_seconds(announced):
    line = announced(lambda: {"lenet": Speed(1e9, 1e9)}, final_seeds=3)
    assert "0:00:00" not in line
    assert line.count(approximately(0)) == 2


def test_failed_measurement_is_announced_with_its_reason(announced):
    def fail():
        raise NotMeasuredError("no room")

    line = announced(fail)
    assert line.endswith(": no room")


def test_the_ensemble_is_part_of_the_announced_time(announced, digits_split):
    speed = Speed(1e9, len(digits_split.val) / 60)  # 60 seconds for each of 8 candidates
    line = announced(lambda: {"lenet": speed}, final_seeds=2)
    assert " 0:04:0" in line
