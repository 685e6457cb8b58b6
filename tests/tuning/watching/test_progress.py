"""Live table in a terminal of 80x24, and plain lines."""

import io
import re
from types import SimpleNamespace

import pytest
from rich.cells import cell_len
from rich.console import Console

from tests.messages import assert_named, is_named
from tests.tuning.example_trial import CONFIG, METRICS
from tune_mnist.durations import Stopwatch, approximately, clock
from tune_mnist.tuning.recording.trial_record import NOT_LEARNED_YET, TrialRecord, TrialState
from tune_mnist.tuning.trials.reports import WARNING
from tune_mnist.tuning.watching.progress import Outline, create_progress

CLOCK = re.compile(r"\d+:\d\d:\d\d")


def record(number: int, state: TrialState, *accuracies: float) -> TrialRecord:
    made = TrialRecord(number, f"id{number}", CONFIG, state)
    for epoch, accuracy in enumerate(accuracies, start=1):
        made.add_epoch(METRICS | {"epoch": epoch, "val_accuracy": accuracy})
    return made


def trial_store_of(records: list[TrialRecord]) -> SimpleNamespace:
    by_number = {record.number: record for record in records}
    return SimpleNamespace(records=records, record=by_number.__getitem__, numbers=by_number.keys())


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


def varied(number: int, state: TrialState, **config: object) -> TrialRecord:
    made = record(number, state, 0.5, 0.9876)
    made.config = CONFIG | {"lr": 0.01 * number} | config
    return made


def test_the_parameters_in_which_trials_differ_are_shown_in_80_columns():
    trials = [varied(n, TrialState.INTERRUPTED, batch_size=2**n) for n in range(1, 8)]
    lines = drawn(trials)
    assert all(len(line) <= 80 for line in lines)
    (row,) = (line for line in lines if "#7 " in line)
    assert row.split() == ["#7", "INTERRUPTED", "2/9", "0.9876", "0.07", "128"]
    (same,) = (line for line in lines if "resnet" in line)
    assert_named("resnet rmsprop dropout=0.25 mom=0.9 wd=1e-05", same)


def test_every_column_of_the_table_has_a_heading():
    trials = [varied(n, TrialState.COMPLETE, optimizer=o) for n, o in enumerate(["adam", "sgd"])]
    text = "\n".join(drawn(trials))
    assert is_named("optimizer", text)


def test_wide_characters_and_line_breaks_of_a_choice_keep_the_table_in_shape():
    choices = ["漢字漢字漢字漢字漢字", "two\nlines"]
    trials = [
        varied(n, TrialState.COMPLETE, **{"model.kind": choice})
        for n, choice in enumerate(choices, start=1)
    ]
    lines = drawn(trials)
    assert all(cell_len(line) <= 80 for line in lines)
    (row,) = (line for line in lines if "#2 " in line)
    assert "two\\nlines" in row
    shared = [varied(n, TrialState.COMPLETE, **{"model.kind": "two\nlines"}) for n in (1, 2)]
    (same,) = (line for line in drawn(shared, width=160) if "resnet" in line)
    assert "two\\nlines" in same


def test_parameters_without_a_column_are_named():
    trials = [
        varied(n, TrialState.COMPLETE, dropout=n / 90, momentum=0.5 + n / 100) for n in range(1, 8)
    ]
    text = "\n".join(drawn(trials, width=48))
    assert "0.067" in text  # dropout
    assert "0.51" not in text  # momentum
    (named,) = (line for line in text.splitlines() if is_named("mom", line))
    assert "0." not in named


def test_a_parameter_that_a_trial_does_not_have_is_empty():
    without = varied(1, TrialState.PRUNED)
    without.config = {key: value for key, value in CONFIG.items() if key != "momentum"}
    lines = drawn([without, varied(2, TrialState.PRUNED)], width=120)
    assert sum("0.9 " in f"{line} " for line in lines) == 1


def test_the_longest_state_of_a_search_fits_into_80_columns():
    rows = [record(number, TrialState.COMPLETE, 0.9876) for number in range(36)]
    lines = drawn([*rows, record(36, TrialState.RUNNING, 0.5)])
    (state,) = (line for line in lines if "36/40" in line)
    assert "…" not in state
    assert any(CLOCK.search(line) for line in lines)


def test_brackets_in_a_name_are_no_markup():
    assert any("search [bold]" in line for line in drawn([], name="[bold]"))


def test_running_trials_are_listed_first_then_the_best():
    many = [record(n, TrialState.PRUNED, n / 100) for n in range(1, 31)]
    lines = drawn([*many, record(31, TrialState.RUNNING)], width=120)
    rows = [line.split()[0] for line in lines if line.strip().startswith("#")]
    assert rows[:3] == ["#31", "#30", "#29"]
    assert len(lines) <= 24
    assert any(re.findall(r"\d+", line) == [str(31 - len(rows))] for line in lines)  # not shown
    (state,) = (line for line in lines if "30/40" in line)
    assert "0.3000 (#30)" in state


class Estimates:
    """Plain lines about trial 0, from which the estimated time left is read."""

    def __init__(self, clock, plan: Outline, *accuracies: float) -> None:
        self._clock, self._stream = clock, io.StringIO()
        self._record = record(0, TrialState.RUNNING, *accuracies)
        store = trial_store_of([self._record])
        self._lines = create_progress(Console(file=self._stream), plan, store, Stopwatch())

    def train(self, epochs: int) -> None:
        for _ in range(epochs):
            epoch = self._record.epochs + 1
            self._record.add_epoch(METRICS | {"epoch": epoch, "val_accuracy": 0.5})

    def after(self, seconds: float) -> str | None:
        """Return the time left at a time after the start of the trials."""
        self._clock.seconds = seconds
        self._lines.on_trial_complete(trial=SimpleNamespace(config={"number": 0}))
        _, *left = CLOCK.findall(self._stream.getvalue().splitlines()[-1])
        return left[0] if left else None


def test_the_time_left_is_unknown_before_the_first_epoch(stopped_clock):
    assert Estimates(stopped_clock, Outline("tries", 4, 9, 20.0, None, None)).after(500) is None


def test_the_time_left_follows_from_the_expected_epochs(stopped_clock):
    left = Estimates(stopped_clock, Outline("tries", 4, 9, 20.0, None, None), 0.5)
    left.train(5)
    assert left.after(1_000) == clock((20 - 6) * 1_000 / 5)
    left.train(13)
    assert left.after(1_000) == clock(4 * 1_000 / 18)


def test_cheaper_epochs_count_less_in_the_time_left(stopped_clock):
    plan = Outline("tries", 1, 3, 2.0, None, None, costs=[0.25, 0.75, 1.0])
    left = Estimates(stopped_clock, plan)
    left.train(1)
    assert left.after(100) == clock(100 * 1.75 / 0.25)
    left.train(1)
    assert left.after(100) == clock(100)


def test_plain_output_has_a_line_per_epoch():
    stream = io.StringIO()
    ended = record(3, TrialState.PRUNED, 0.5, 0.75)
    plan = Outline("tries", 4, 9, 20.0, None, None)
    lines = create_progress(Console(file=stream), plan, trial_store_of([ended]), Stopwatch())
    trial = SimpleNamespace(config={"number": 3})
    lines.on_trial_result(trial=trial, result={"val_accuracy": 0.75})
    lines.on_trial_complete(trial=trial)
    first, second = stream.getvalue().splitlines()
    for fact in ("#3 ", "2/9", "val_accuracy 0.7500", "resnet rmsprop lr=0.0012 batch=128"):
        assert fact in first
    for fact in ("#3 PRUNED", "1/4", "0.7500 (#3)"):
        assert fact in second


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
        result={WARNING: "epoch-0002/model.pt: damaged"},
    )
    progress.close()
    assert "#3 epoch-0002/model.pt: damaged" in stream.getvalue()


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
    assert NOT_LEARNED_YET in stream.getvalue()
    assert "(#3)" not in stream.getvalue()


def test_no_time_is_left_once_all_trials_have_ended():
    stream = io.StringIO()
    ended = record(3, TrialState.COMPLETE, 0.5)
    plan = Outline("tries", 1, 1, 1.0, None, None)
    lines = create_progress(Console(file=stream), plan, trial_store_of([ended]), Stopwatch())
    lines.on_trial_complete(trial=SimpleNamespace(config={"number": 3}))
    assert "1/1" in stream.getvalue()
    assert len(CLOCK.findall(stream.getvalue())) == 1  # the time of the line


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "less than a minute"), (59.9, "less than a minute"), (90.0, "about 0:01:30")],
)
def test_an_estimate_is_not_exact_to_a_second(seconds, text):
    assert approximately(seconds) == text


@pytest.mark.parametrize(("seconds", "text"), [(0, "0:00:00"), (3725.4, "1:02:05")])
def test_the_clock(seconds, text):
    assert clock(seconds) == text


def test_the_line_of_a_failed_trial_names_the_file_with_its_error(tmp_path):
    stream = io.StringIO()
    failed = record(3, TrialState.FAILED, 0.5)
    failed.reason = "ValueError: no"
    plan = Outline("tries", 4, 9, 36.0, None, None)
    store = trial_store_of([failed])
    lines = create_progress(Console(file=stream, width=200), plan, store, Stopwatch())
    trial = {"config": {"number": 3}, "path": str(tmp_path), "error_file": "error.txt"}
    lines.on_trial_error(trial=SimpleNamespace(**trial))
    facts = ["#3", "FAILED", failed.reason, "--resume", str(tmp_path / "error.txt")]
    assert_named(facts, stream.getvalue())
