from types import SimpleNamespace

import pytest

from tune_mnist.training import CheckpointFolder
from tune_mnist.tuning.recording.trial_record import TrialRecord
from tune_mnist.tuning.running.disk_budget import DiskBudget


class Records:
    """The part of a trial store that the disk budget uses: progress of trials."""

    def __init__(self, **epochs):
        self._records = {
            number: TrialRecord(number, "", {}, epochs=epochs, val_accuracy=accuracy)
            for number, (epochs, accuracy) in epochs["of"].items()
        }

    def record(self, number):
        return self._records[number]


def trial(number, status):
    return SimpleNamespace(config={"number": number}, status=status)


@pytest.fixture
def folders(tmp_path):
    def of(number):
        return CheckpointFolder(tmp_path / f"{number:05d}")

    for number in range(5):
        of(number).at(1).mkdir(parents=True)
        (of(number).at(1) / "model.pt").write_bytes(b"x" * 100)
    return of


def left(tmp_path):
    return {int(path.name) for path in tmp_path.iterdir()}


RECORDS = Records(of={0: (3, 0.5), 1: (1, 0.9), 2: (1, 0.4), 3: (1, 0.6), 4: (1, 0.1)})
TRIALS = [
    trial(0, "PAUSED"),
    trial(1, "PAUSED"),
    trial(2, "PAUSED"),
    trial(3, "RUNNING"),
    trial(4, "RUNNING"),
]


def test_the_worst_paused_trials_lose_their_checkpoints(tmp_path, folders):
    budget = DiskBudget(folders, RECORDS, free_bytes=250)
    budget.on_trial_save(iteration=1, trials=TRIALS, trial=TRIALS[3])
    assert left(tmp_path) == {0, 1, 4}


def test_large_checkpoints_of_paused_trials_are_removed(tmp_path, folders):
    budget = DiskBudget(folders, RECORDS, free_bytes=0)
    budget.on_trial_save(iteration=1, trials=TRIALS, trial=TRIALS[3])
    assert left(tmp_path) == {4}


def test_small_checkpoints_are_kept(tmp_path, folders):
    DiskBudget(folders, RECORDS).on_trial_save(iteration=1, trials=TRIALS, trial=TRIALS[3])
    assert left(tmp_path) == set(range(5))


def test_a_continued_trial_is_ranked_again(tmp_path, folders):
    records = Records(of={0: (1, 0.5), 1: (1, 0.9)})
    trials = [trial(0, "PAUSED"), trial(1, "RUNNING")]
    budget = DiskBudget(folders, records, free_bytes=450)
    budget.on_trial_save(iteration=1, trials=trials, trial=trials[1])
    assert {0, 1} <= left(tmp_path)
    (folders(0).at(1) / "model.pt").write_bytes(b"x" * 400)
    records.record(0).epochs = 2
    budget.on_trial_save(iteration=2, trials=trials, trial=trials[1])
    assert 1 not in left(tmp_path)
