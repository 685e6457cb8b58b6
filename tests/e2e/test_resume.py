"""Searches that are resumed after their driver or workers were killed."""

import json
import pickle
import random
import shutil
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import psutil
import pytest
from optuna.trial import FrozenTrial, TrialState
from torch import Tensor

from tests.e2e.commands import in_this_process, journal_lines, kill_at, start
from tests.hostile.trap import Trap
from tests.messages import assert_named, assert_refused
from tests.waiting import wait_until
from tests.weights import equal_weights, weights_of
from tune_mnist.errors import UserError
from tune_mnist.search import search
from tune_mnist.tuning.recording.study import JOURNAL, load_study

pytestmark = pytest.mark.e2e
TRIALS = 8
DIGITS = ("--dataset", "digits", "--max-epochs", "9", "--final-seeds", "0")
ONE_BY_ONE = ("--num-samples", "4", "--max-concurrent", "1", "--precision", "fp32")
TRAINING = "ray::#"  # the process title of a worker names its trial, such as "#3 lenet"
SHOT = "shot"
JOURNAL_LINES = 230  # about the number of lines that the search of TRIALS trials writes

# One moment of the kill by default, all of them with --slow.
MOMENTS = [0, *(pytest.param(number, marks=pytest.mark.slow) for number in range(1, 20))]


def trials_in(directory: Path) -> list[FrozenTrial]:
    try:
        return load_study(directory).trials
    except UserError:  # killed before there was a study
        return []


def ended(trials: list[FrozenTrial]) -> dict[int, FrozenTrial]:
    return {trial.number: trial for trial in trials if trial.state.is_finished()}


def shoot_a_worker(driver: int, rng: random.Random) -> bool:
    with suppress(psutil.Error, ProcessLookupError):
        workers = [
            child
            for child in psutil.Process(driver).children(recursive=True)
            if child.status() != psutil.STATUS_ZOMBIE and TRAINING in " ".join(child.cmdline())
        ]
        if workers:
            rng.choice(workers).kill()
        return bool(workers)
    return False


def shoot_workers(
    process: subprocess.Popen[str], directory: Path, moments: list[int], rng: random.Random
) -> int:
    """Kill a worker when the journal has reached each number of lines; return how many died."""
    shot = 0
    for lines in moments:
        wait_until(
            lambda lines=lines: process.poll() is not None or journal_lines(directory) >= lines,
            every=0.02,
        )
        shot += wait_until(lambda: shoot_or_end(process, rng), every=0.02) == SHOT
    return shot


def shoot_or_end(process: subprocess.Popen[str], rng: random.Random) -> str | None:
    """Kill a worker if one trains; return SHOT, "ended" if the driver has ended, or None."""
    if shoot_a_worker(process.pid, rng):
        return SHOT
    return "ended" if process.poll() is not None else None


@pytest.mark.parametrize("moment", MOMENTS)
def test_killed_workers_and_a_killed_driver_lose_and_repeat_no_trial(tmp_path, moment, small_ray):
    rng = random.Random(moment)  # noqa: S311
    directory = tmp_path / "killed"
    process = start(
        *("search", *DIGITS, "--num-samples", str(TRIALS), "--max-failures", "50"),
        *("--output-dir", str(tmp_path), "--name", "killed"),
    )
    last = rng.randint(1, JOURNAL_LINES)
    shots = sorted(rng.randint(1, last) for _ in range(3))
    assert shoot_workers(process, directory, shots, rng) > 0
    kill_at(process, directory, last, rng.random() / 2)
    before = ended(trials_in(directory))

    in_this_process(search, "--resume", str(directory))

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
    assert [path for path in (directory / "checkpoints").glob("*") if path.is_dir()] == []


@dataclass(frozen=True)
class Search:
    """A search with one worker at a time, as it was at its end.

    Attributes:
        directory: Results folder; tests may change it.
        trials: Trials of the study.
        weights: Weights of the best trial.
    """

    directory: Path
    trials: list[FrozenTrial]
    weights: dict[str, Tensor]

    @classmethod
    def read(cls, directory: Path) -> "Search":
        return cls(directory, trials_in(directory), weights_of(directory / "best" / "lenet"))


def uninterrupted(output: Path, scheduler: str) -> Search:
    in_this_process(
        *(search, *DIGITS, *ONE_BY_ONE, "--scheduler", scheduler),
        *("--output-dir", str(output), "--name", "alone"),
    )
    lines = [line for path in output.glob("alone/ray/*/result.json") for line in path.open()]
    assert len({json.loads(line)["pid"] for line in lines}) == 1  # workers are reused
    return Search.read(output / "alone")


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory, small_ray) -> Search:
    """Search with the default scheduler."""
    return uninterrupted(tmp_path_factory.mktemp("undisturbed"), "asha")


@pytest.mark.parametrize(
    ("scheduler", "lines"), [("asha", 45), pytest.param("pbt", 90, marks=pytest.mark.slow)]
)
def test_a_killed_search_gives_the_same_weights_as_an_undisturbed_one(
    tmp_path, request, small_ray, scheduler, lines
):
    if scheduler == "asha":
        alone = request.getfixturevalue("undisturbed")
    else:
        alone = uninterrupted(tmp_path, scheduler)
    directory = tmp_path / "killed"
    process = start(
        *("search", *DIGITS, *ONE_BY_ONE, "--scheduler", scheduler),
        *("--output-dir", str(tmp_path), "--name", "killed"),
    )
    kill_at(process, directory, lines, seconds=0.1)
    if scheduler == "asha":
        # A promoted trial without a checkpoint is trained again, to the same weights.
        for checkpoints in (directory / "checkpoints").glob("[0-9]*"):
            shutil.rmtree(checkpoints)
    if scheduler == "pbt":
        more = ("--resume", str(directory), "--num-samples", "9")
        assert_refused("--scheduler pbt 4", in_this_process, search, *more)
    out = in_this_process(search, "--resume", str(directory))
    # Ray prints this for a trial that ends while it is paused.
    assert "Last result" not in out

    killed = Search.read(directory)
    for one, other in zip(alone.trials, killed.trials, strict=True):
        assert (one.params, one.state) == (other.params, other.state)
        assert one.user_attrs.get("takeovers") == other.user_attrs.get("takeovers")
        assert one.intermediate_values == other.intermediate_values
    assert (scheduler == "pbt") == any("takeovers" in trial.user_attrs for trial in alone.trials)
    assert equal_weights(alone.weights, killed.weights)


def test_a_warm_start_imports_earlier_trials_and_the_time_budget_ends_the_search(
    tmp_path, undisturbed
):
    out = in_this_process(
        *(search, *DIGITS, "--num-samples", "1000", "--time-budget", "15s"),
        *("--warm-start", str(undisturbed.directory)),
        *("--output-dir", str(tmp_path), "--name", "short"),
    )
    assert "time budget" in out

    earlier = len(undisturbed.trials)
    experiment = json.loads((tmp_path / "short" / "experiment.json").read_text())
    assert_named([str(earlier), undisturbed.directory.name], experiment["facts"]["warm start"])
    trials = [
        trial
        for trial in trials_in(tmp_path / "short")
        if trial.state is not TrialState.WAITING  # to be tried next, when the time was used up
    ]
    rates = [trial.params["lr"] for trial in trials]
    assert rates[:earlier] == [trial.params["lr"] for trial in undisturbed.trials]
    assert not set(rates[earlier:]) & set(rates[:earlier])  # imported trials are not run again
    table = pd.read_csv(tmp_path / "short" / "trials.csv")
    assert len(table) == len(trials) - earlier
    assert "INTERRUPTED" in set(table["state"])  # cut off by the time, but not failed
    assert set(table["state"]) <= {"COMPLETE", "PRUNED", "INTERRUPTED"}
    # On a busy machine the time may be used up before the first epoch.
    assert table["val_accuracy"].notna().any() == (" epoch 1/9 " in out)


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


def test_a_finished_search_can_be_extended_but_not_changed(tmp_path, undisturbed):
    directory, before = undisturbed.directory, undisturbed.trials
    assert not (directory / "final").exists()  # no seeds, no final evaluation
    for option, value, kept in (
        ("--seed", "1", "0"),
        ("--num-samples", "1", "4"),
        ("--fraction", "0.5", "1.0"),
        ("--dataset", "mnist", "digits"),
        ("--space", "resnet", "lenet"),
        ("--scheduler", "median", "asha-promotion"),
    ):
        # There is no Ray at the address, so an option that is wrongly accepted starts no search.
        changed = ("--resume", str(directory), option, value, "--address", "127.0.0.1:1")
        assert_refused([option, kept], in_this_process, search, *changed)
    assert trials_in(directory) == before

    assert lay_traps(directory / "ray", tmp_path / "sprung") > 0
    notes = lay_notes(directory)
    leave_as_a_killed_writer(directory)
    named = ("--output-dir", str(directory.parent), "--name", directory.name, "--resume")
    in_this_process(search, *named, "--num-samples", "6")
    after = trials_in(directory)
    assert len(after) == 6
    assert after[:4] == before
    assert [path.read_text() for path in notes] == ["the user's own"] * len(notes)
    assert not (tmp_path / "sprung").exists()  # resuming loads no pickle
