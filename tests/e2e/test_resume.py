"""Searches that are resumed after their driver or workers were killed."""

import pickle
import random
import time
from contextlib import suppress
from pathlib import Path

import pandas as pd
import psutil
import pytest
from click.testing import CliRunner
from optuna.trial import FrozenTrial, TrialState

from tests.e2e.commands import kill_at, run, start
from tune_mnist.errors import UserError
from tune_mnist.search import search
from tune_mnist.tuning.recording.study import JOURNAL, load_study

pytestmark = pytest.mark.e2e
TRIALS = 8
SEARCH = (
    *("--dataset", "digits", "--num-samples", str(TRIALS), "--max-epochs", "9"),
    *("--final-seeds", "0"),
)
TRAINING = "ray::#"  # the process title of a worker names its trial, such as "#3 lenet"
JOURNAL_LINES = 230  # about the number of lines that the search writes

# One moment of the kill by default, all of them with --slow.
MOMENTS = [0, *(pytest.param(number, marks=pytest.mark.slow) for number in range(1, 20))]


def trials_in(directory: Path) -> list[FrozenTrial]:
    try:
        return load_study(directory).trials
    except UserError:  # killed before there was a study
        return []


def ended(trials: list[FrozenTrial]) -> dict[int, FrozenTrial]:
    return {trial.number: trial for trial in trials if trial.state.is_finished()}


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_killed_search_loses_and_repeats_no_trial(tmp_path, moment):
    rng = random.Random(moment)  # noqa: S311
    directory = tmp_path / "killed"
    process = start("search", *SEARCH, "--output-dir", str(tmp_path), "--name", "killed")
    kill_at(process, directory, rng.randint(1, JOURNAL_LINES), rng.random() / 2)
    before = ended(trials_in(directory))

    result = run("search", "--resume", str(directory))
    assert result.returncode == 0, result.stderr
    assert result.stderr == ""

    trials = trials_in(directory)
    assert [trial.number for trial in trials] == list(range(TRIALS))
    assert {trial.state for trial in trials} <= {TrialState.COMPLETE, TrialState.PRUNED}
    for trial in trials:
        assert list(trial.intermediate_values) == list(range(1, trial.last_step + 1))
    for number, trial in before.items():
        assert trials[number] == trial
        # Ray may have written no folder before the kill; a second one would be a second start.
        assert len(list((directory / "ray").glob(f"{number:05d}-*"))) <= 1
    table = pd.read_csv(directory / "trials.csv")
    assert list(table["trial"]) == list(range(TRIALS))
    for trial, row in zip(trials, table.itertuples(), strict=True):
        assert row.state == trial.state.name
        assert row.epochs == trial.last_step
        assert row.val_accuracy == pytest.approx(max(trial.intermediate_values.values()))
    assert [path for path in (directory / "checkpoints").iterdir() if path.is_dir()] == []


def finished_search(output: Path) -> Path:
    result = run(
        "search",
        *("--dataset", "digits", "--num-samples", "2", "--max-epochs", "2", "--final-seeds", "0"),
        *("--max-concurrent", "1", "--output-dir", str(output), "--name", "finished"),
    )
    assert result.returncode == 0, result.stderr
    return output / "finished"


class Trap:
    """Object whose pickle calls a function when it is loaded."""

    def __init__(self, sprung: Path) -> None:
        self.sprung = sprung

    def __reduce__(self):
        return Path.touch, (self.sprung,)


def lay_traps(folder: Path, sprung: Path) -> int:
    """Replace each pickle that Ray has written by a trap; return their number."""
    pickles = list(folder.rglob("*.pkl"))
    for path in pickles:
        path.write_bytes(pickle.dumps(Trap(sprung)))
    return len(pickles)


def lay_notes(directory: Path) -> list[Path]:
    """Write files of the user into the folders that a search writes and clears."""
    names = (
        *(
            "checkpoints/00000/thesis/notes",
            "checkpoints/00002/notes",
            "checkpoints/final-a/notes",
        ),
        *("checkpoints/00002/epoch-9999/notes", "plots/mine.html", "tables/mine.csv"),
        *("best/lenet/notes", "final/notes", "ray/notes"),
    )
    notes = [directory / name for name in names]
    for path in notes:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("the user's own")
    return notes


def leave_as_a_killed_writer(directory: Path) -> None:
    """Append an incomplete line to the journal, and create its lock."""
    with (directory / JOURNAL).open("ab") as journal:
        journal.write(b'{"op_code":8,"worker_id":"x","trial')
    (directory / f"{JOURNAL}.lock").symlink_to(directory / JOURNAL)


def test_a_finished_search_can_be_extended_but_not_changed(tmp_path):
    directory = finished_search(tmp_path)
    before = trials_in(directory)
    for option, value, words in (
        ("--seed", "1", "--seed 1: the search was started with 0"),
        ("--num-samples", "1", "--num-samples must be at least 2"),
        ("--fraction", "0.5", "--fraction 0.5: the search was started with 1.0"),
        ("--dataset", "mnist", "--dataset mnist: the search was started with digits"),
        ("--space", "resnet", "--space resnet differs from the space lenet"),
        (
            "--scheduler",
            "median",
            "--scheduler median: the search was started with asha-promotion",
        ),
    ):
        # Run in this process, as separate processes would take half a minute together. There is no
        # Ray at the address, so an option that is wrongly accepted does not start a search.
        nowhere = ["--address", "127.0.0.1:1"]
        refused = CliRunner().invoke(search, ["--resume", str(directory), option, value, *nowhere])
        assert isinstance(refused.exception, UserError)
        assert words in str(refused.exception)
    refused = run("search", "--resume", str(directory), "--seed", "1")
    assert refused.returncode == 2
    assert len(refused.stderr.splitlines()) == 1
    assert "--seed 1: the search was started with 0" in refused.stderr
    assert trials_in(directory) == before

    assert lay_traps(directory / "ray", tmp_path / "sprung") > 0
    notes = lay_notes(directory)
    leave_as_a_killed_writer(directory)
    named = ("--output-dir", str(tmp_path), "--name", "finished", "--resume")
    result = run("search", *named, "--num-samples", "4")
    assert result.returncode == 0, result.stderr
    after = trials_in(directory)
    assert len(after) == 4
    assert after[:2] == before
    assert [path.read_text() for path in notes] == ["the user's own"] * len(notes)
    assert not (tmp_path / "sprung").exists()  # resuming loads no pickle


def shoot_a_worker(driver: int, rng: random.Random) -> bool:
    workers = [
        child
        for child in psutil.Process(driver).children(recursive=True)
        if child.status() != psutil.STATUS_ZOMBIE and TRAINING in " ".join(child.cmdline())
    ]
    if workers:
        rng.choice(workers).kill()
    return bool(workers)


def test_killed_workers_are_replaced(tmp_path):
    directory = tmp_path / "shot"
    process = start(
        "search",
        *SEARCH,
        *("--max-failures", "50", "--output-dir", str(tmp_path), "--name", "shot"),
    )
    rng = random.Random(0)  # noqa: S311
    shot = 0
    while process.poll() is None:
        time.sleep(0.5 + rng.random())
        with suppress(psutil.Error, ProcessLookupError):
            if shot < 3:
                shot += shoot_a_worker(process.pid, rng)
    _, err = process.communicate()
    assert process.returncode == 0, err
    assert shot > 0
    trials = trials_in(directory)
    assert len(trials) == TRIALS
    assert {trial.state for trial in trials} <= {TrialState.COMPLETE, TrialState.PRUNED}
    for trial in trials:
        assert list(trial.intermediate_values) == list(range(1, trial.last_step + 1))
