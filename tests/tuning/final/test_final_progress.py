import io

import pytest
from rich.console import Console

from tests.messages import assert_named
from tune_mnist.durations import Stopwatch
from tune_mnist.training import TrainConfig
from tune_mnist.tuning.final.final_progress import FinalProgress, describe_kept
from tune_mnist.tuning.final.selection import PlannedRun


def printed(terminal: bool) -> str:
    stream = io.StringIO()
    console = Console(file=stream, width=80, force_terminal=terminal, color_system=None)
    with FinalProgress(console, 9, Stopwatch()) as progress:
        progress.show("lenet seed 0", 0)
        progress.show("lenet seed 0", 3)
        progress.show("lenet seed 0", 3)
        progress.end("lenet seed 0", "test accuracy 0.9900")
    return stream.getvalue()


def test_plain_output_has_a_line_per_epoch_and_per_run():
    lines = printed(terminal=False).splitlines()
    for line, fact in zip(lines, ("3/9", "test accuracy 0.9900"), strict=True):
        assert "lenet seed 0" in line
        assert fact in line


def test_a_terminal_shows_bars_and_a_line_per_run():
    text = printed(terminal=True)
    assert "3/9" in text
    assert "lenet seed 0: test accuracy 0.9900" in text


def test_the_clock_is_that_of_the_command(stopped_clock):
    watch = Stopwatch()
    stopped_clock.seconds += 3600
    stream = io.StringIO()
    with FinalProgress(Console(file=stream), 9, watch) as progress:
        progress.end("lenet seed 0", "test accuracy 0.9900")
    assert stream.getvalue().startswith("[1:00:00] ")


@pytest.mark.parametrize("terminal", [True, False])
def test_a_run_that_ends_before_the_first_poll_is_shown(terminal):
    stream = io.StringIO()
    console = Console(file=stream, width=80, force_terminal=terminal, color_system=None)
    with FinalProgress(console, 9, Stopwatch()) as progress:
        progress.end("lenet seed 0", "its worker died 3 times")
    assert "lenet seed 0: its worker died 3 times" in stream.getvalue()


def test_runs_of_an_earlier_start_are_said_to_be_kept():
    run = PlannedRun(7, TrainConfig.checked(model="lenet", lr=0.1), 100)
    assert_named("lenet 7 3", describe_kept(list(run.seeded(3))))
