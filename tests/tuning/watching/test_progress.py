"""Live table in a terminal of 80x24, and plain lines."""

import io
from types import SimpleNamespace

import pytest
from rich.console import Console

from tests.tuning.example_trial import CONFIG
from tune_mnist.durations import Stopwatch, approximately, clock
from tune_mnist.tuning.recording.trial_record import TrialRecord, TrialState
from tune_mnist.tuning.watching.progress import Outline, create_progress

METRICS = {
    "val_loss": 0.1,
    "train_loss": 0.5,
    "train_accuracy": 0.8,
    "images_per_second": 100.0,
    "epoch_seconds": 2.0,
    "train_seconds": 2.0,
    "parameters": 61_706,
}


def record(number: int, state: TrialState, *accuracies: float) -> TrialRecord:
    made = TrialRecord(number, f"id{number}", CONFIG, state)
    for epoch, accuracy in enumerate(accuracies, start=1):
        made.add_epoch(METRICS | {"epoch": epoch, "val_accuracy": accuracy})
    return made


def trial_store_of(records: list[TrialRecord]) -> SimpleNamespace:
    by_number = {record.number: record for record in records}
    return SimpleNamespace(records=records, record=by_number.__getitem__)


def drawn(records: list[TrialRecord], name: str = "tries", width: int = 80) -> list[str]:
    stream = io.StringIO()
    console = Console(file=stream, width=width, height=24, force_terminal=True, color_system=None)
    plan = Outline(name, 40, 9, 120.0, None, "http://127.0.0.1:8265")
    table = create_progress(console, plan, trial_store_of(records), Stopwatch())
    table.setup()
    table.on_step_end()
    table.close()
    frame = stream.getvalue().split("\x1b")
    return max(frame, key=len).splitlines()


def test_only_the_parameters_are_cut_in_80_columns():
    lines = drawn([record(12, TrialState.COMPLETE, 0.5, 0.9876)])
    assert all(len(line) <= 80 for line in lines if line.startswith(("│", "┃")))
    (row,) = (line for line in lines if "#12 " in line)
    for word in ("COMPLETE", "2/9", "0.9876", "resnet rmsprop lr=0.0012", "…"):
        assert word in row
    assert any("val_accuracy" in line for line in lines)


def test_the_longest_state_of_a_search_fits_into_80_columns():
    rows = [record(number, TrialState.COMPLETE, 0.9876) for number in range(36)]
    lines = drawn([*rows, record(36, TrialState.RUNNING, 0.5)])
    (state,) = (line for line in lines if "trials ended" in line)
    assert state.endswith("left for the trials") or state.endswith("unknown yet")
    assert any("0:00:00 elapsed" in line for line in lines)


def test_brackets_in_a_name_are_no_markup():
    assert any("search [bold]" in line for line in drawn([], name="[bold]"))


def test_running_trials_are_listed_first_then_the_best():
    many = [record(n, TrialState.PRUNED, n / 100) for n in range(1, 31)]
    lines = drawn([*many, record(31, TrialState.RUNNING)], width=120)
    rows = [line.split()[1] for line in lines if line.startswith("│")]
    assert rows[:3] == ["#31", "#30", "#29"]
    assert len(lines) <= 24
    assert any(f"… and {31 - len(rows)} more trials" in line for line in lines)
    assert any("30/40 trials ended · best 0.3000 (#30)" in line for line in lines)


def test_the_time_left_is_unknown_before_the_first_epoch():
    assert any("time left unknown yet" in line for line in drawn([]))


def test_the_time_left_follows_from_the_expected_epochs(monkeypatch):
    records = [record(0, TrialState.RUNNING, 0.5)]
    plan = Outline("tries", 4, 9, 20.0, None, None)
    lines = create_progress(
        Console(file=io.StringIO()), plan, trial_store_of(records), Stopwatch()
    )
    for epoch in range(2, 7):
        records[0].add_epoch(METRICS | {"epoch": epoch, "val_accuracy": 0.5})
    monkeypatch.setattr(lines, "_elapsed", lambda: 10.0)
    assert lines._left() == pytest.approx((20 - 6) * 10.0 / 5)
    for epoch in range(7, 20):
        records[0].add_epoch(METRICS | {"epoch": epoch, "val_accuracy": 0.5})
    assert lines._left() == pytest.approx(4 * 10.0 / 18)


def test_cheaper_epochs_count_less_in_the_time_left(monkeypatch):
    records = [record(0, TrialState.RUNNING)]
    plan = Outline("tries", 1, 3, 2.0, None, None, costs=[0.25, 0.75, 1.0])
    lines = create_progress(
        Console(file=io.StringIO()), plan, trial_store_of(records), Stopwatch()
    )
    monkeypatch.setattr(lines, "_elapsed", lambda: 10.0)
    records[0].add_epoch(METRICS | {"epoch": 1, "val_accuracy": 0.5})
    assert lines._left() == pytest.approx(10.0 * 1.75 / 0.25)
    records[0].add_epoch(METRICS | {"epoch": 2, "val_accuracy": 0.5})
    assert lines._left() == pytest.approx(10.0)


def test_plain_output_has_a_line_per_epoch():
    stream = io.StringIO()
    ended = record(3, TrialState.PRUNED, 0.5, 0.75)
    plan = Outline("tries", 4, 9, 20.0, None, None)
    lines = create_progress(Console(file=stream), plan, trial_store_of([ended]), Stopwatch())
    trial = SimpleNamespace(config={"number": 3})
    lines.on_trial_result(trial=trial, result={"val_accuracy": 0.75})
    lines.on_trial_complete(trial=trial)
    first, second = stream.getvalue().splitlines()
    assert "#3 epoch 2/9 val_accuracy 0.7500 (resnet rmsprop lr=0.0012 batch=128" in first
    assert "#3 PRUNED (stopped early) · 1/4 trials ended · best 0.7500 (#3)" in second


@pytest.mark.parametrize("terminal", [True, False])
def test_an_unusable_checkpoint_is_reported(terminal):
    stream = io.StringIO()
    console = Console(file=stream, force_terminal=terminal, color_system=None)
    plan = Outline("tries", 4, 9, 20.0, None, None)
    progress = create_progress(
        console, plan, trial_store_of([record(3, TrialState.RUNNING)]), Stopwatch()
    )
    progress.setup()
    progress.on_trial_result(
        trial=SimpleNamespace(config={"number": 3}),
        result={"warning": "resumes from epoch 1: epoch-0002/model.pt: cannot be read"},
    )
    progress.close()
    assert "#3 resumes from epoch 1: epoch-0002/model.pt: cannot be read" in stream.getvalue()


@pytest.mark.parametrize("terminal", [True, False])
def test_a_trial_at_chance_level_is_not_called_the_best(terminal):
    stream = io.StringIO()
    console = Console(file=stream, width=120, force_terminal=terminal, color_system=None)
    plan = Outline("tries", 4, 9, 20.0, None, None, chance_level=0.2)
    records = [record(3, TrialState.PRUNED, 0.11)]
    progress = create_progress(console, plan, trial_store_of(records), Stopwatch())
    progress.setup()
    event = {"iteration": 0, "trials": [], "trial": SimpleNamespace(config={"number": 3})}
    progress.on_step_end(**event)
    progress.on_trial_complete(**event)
    progress.close()
    assert "no trial has learned yet" in stream.getvalue()
    assert "best" not in stream.getvalue()


def test_no_time_is_left_once_all_trials_have_ended():
    stream = io.StringIO()
    ended = record(3, TrialState.COMPLETE, 0.5)
    plan = Outline("tries", 1, 1, 1.0, None, None)
    lines = create_progress(Console(file=stream), plan, trial_store_of([ended]), Stopwatch())
    lines.on_trial_complete(trial=SimpleNamespace(config={"number": 3}))
    assert "1/1 trials ended" in stream.getvalue()
    assert "left" not in stream.getvalue()


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "less than a minute"), (59.9, "less than a minute"), (90.0, "about 0:01:30")],
)
def test_an_estimate_is_not_exact_to_a_second(seconds, text):
    assert approximately(seconds) == text


@pytest.mark.parametrize(("seconds", "text"), [(0, "0:00:00"), (3725.4, "1:02:05")])
def test_the_clock(seconds, text):
    assert clock(seconds) == text
