import optuna
import pytest

from tests.tuning.example_trial import METRICS
from tests.tuning.studies import study_in
from tune_mnist.tuning.recording.study import JOURNAL
from tune_mnist.tuning.recording.trial_store import TrialStore

CONFIG = {"model": "lenet", "lr": 0.1}
TARGET = {"model": "lenet", "lr": 0.2}


def test_an_exploit_is_recorded_once_and_survives_the_driver():
    study = optuna.create_study(direction="maximize")
    trial_store = TrialStore(study, "lenet", max_epochs=3)
    trial = study.ask({"lr": optuna.distributions.FloatDistribution(0.01, 1.0)})
    trial_store.begin(trial, "id0", CONFIG)
    trial_store.add_epoch(0, METRICS | {"epoch": 1, "val_accuracy": 0.5})
    for _ in range(2):  # a resumed driver makes the same decision again
        trial_store.exploit(0, epoch=1, source=7, params=TARGET)
    trial_store.add_epoch(0, METRICS | {"epoch": 2, "val_accuracy": 0.9})

    (record,) = TrialStore(study, "lenet", max_epochs=3).records
    assert record.exploits == [{"epoch": 1, "donor": 7, "params": TARGET}]
    assert record.config_of(1)["lr"] == trial.params["lr"]
    assert record.config_of(record.best_epoch) == TARGET


def test_a_repeated_epoch_changes_nothing():
    """An epoch is repeated if a worker died, or if a paused trial lost its checkpoint."""
    study = optuna.create_study(direction="maximize")
    trial_store = TrialStore(study, "lenet", max_epochs=3)
    trial_store.begin(study.ask(), "id0", CONFIG)
    for epoch, accuracy in ((1, 0.5), (2, 0.9), (1, 0.6), (2, 0.7)):
        trial_store.add_epoch(0, METRICS | {"epoch": epoch, "val_accuracy": accuracy})
        (record,) = trial_store.records
        assert record.epochs == study.trials[0].last_step
    assert (record.epochs, record.best_epoch, record.val_accuracy) == (2, 2, 0.9)
    assert study.trials[0].intermediate_values == {1: 0.5, 2: 0.9}


def test_an_end_that_could_not_be_stored_can_be_repeated(tmp_path):
    study = study_in(tmp_path)
    trial_store = TrialStore(study, "lenet", max_epochs=1)
    trial_store.begin(study.ask(), "id0", CONFIG)
    last = METRICS | {"epoch": 1, "val_accuracy": 0.5}
    trial_store.add_epoch(0, last)
    (tmp_path / JOURNAL).rename(tmp_path / "elsewhere")
    (tmp_path / JOURNAL).mkdir()
    with pytest.raises(IsADirectoryError):
        trial_store.end(0, last)
    (tmp_path / JOURNAL).rmdir()
    (tmp_path / "elsewhere").rename(tmp_path / JOURNAL)
    trial_store.end(0, last)
    assert study.trials[0].state is optuna.trial.TrialState.COMPLETE
    assert study.trials[0].value == 0.5
