import io
from types import SimpleNamespace

import pytest
from rich.console import Console

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
        return told.getvalue()

    return announce


def test_time_and_epochs_are_announced(announced, digits_split):
    speed = Speed(len(digits_split.train) / 200, len(digits_split.val) / 40)
    line = announced(lambda: {"lenet": speed}, final_seeds=0)
    # 9 epochs of 240 seconds on two workers.
    assert line.startswith("expected   about 0:18:0")
    assert "about 9 epochs" in line
    assert "final runs" not in line


def test_trials_of_a_portfolio_are_expected_to_train_all_epochs(announced):
    speeds = {"lenet": Speed(100, 100)}
    line = announced(lambda: speeds, portfolio_trials=9, max_epochs=9, final_seeds=0)
    assert "about 81 epochs" in line


def test_epochs_that_were_trained_before_a_resume_are_not_expected_again(announced, digits_split):
    speed = Speed(len(digits_split.train) / 200, len(digits_split.val) / 40)
    given = {"portfolio_trials": 9, "max_epochs": 4, "trained": [3, 2], "final_seeds": 0}
    line = announced(lambda: {"lenet": speed}, **given)
    assert "about 31 epochs" in line
    assert line.startswith("expected   about 1:02:")
    almost_done = announced(lambda: {"lenet": speed}, **given | {"trained": [4] * 9})
    assert "about 9 epochs" in almost_done


def test_final_runs_and_time_budget_are_announced(announced):
    line = announced(lambda: {"lenet": Speed(10, 1e9)}, final_seeds=2, time_budget=60)
    assert "cut off by the time budget at 0:01:00" in line
    assert "then about 0:01:4" in line


def test_a_tiny_search_has_no_time_of_zero_seconds(announced):
    line = announced(lambda: {"lenet": Speed(1e9, 1e9)}, final_seeds=3)
    assert "0:00:00" not in line
    assert line.count("less than a minute") == 2


def test_failed_measurement_is_announced_with_its_reason(announced):
    def fail():
        raise NotMeasuredError("no room")

    line = announced(fail)
    assert line.startswith("expected   unknown: ")
    assert line.endswith(": no room\n\n")


def test_the_ensemble_is_part_of_the_announced_time(announced, digits_split):
    speed = Speed(1e9, len(digits_split.val) / 60)  # 60 seconds for each of 8 candidates
    line = announced(lambda: {"lenet": speed}, final_seeds=2)
    assert "then about 0:04:0" in line
