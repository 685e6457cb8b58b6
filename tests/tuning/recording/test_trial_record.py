import copy
import math

from tune_mnist.tuning.recording.trial_record import TrialRecord, TrialState, best_record, to_frame


def epoch(number, accuracy):
    return {
        "epoch": number,
        "val_accuracy": accuracy,
        "val_loss": 1 - accuracy,
        "train_loss": 0.5,
        "train_accuracy": 0.8,
        "images_per_second": 100.0,
        "epoch_seconds": 2.0,
        "train_seconds": 2.0 * number,
        "parameters": 61_706,
    }


def trial(number, *accuracies):
    record = TrialRecord(number, f"id{number}", {"model": "lenet", "lr": 0.1, "momentum": 0.9})
    for count, accuracy in enumerate(accuracies, start=1):
        record.add_epoch(epoch(count, accuracy))
    return record


def test_a_record_keeps_its_best_epoch_not_its_last():
    record = trial(1, 0.8, 0.9, 0.85)
    assert (record.val_accuracy, record.best_epoch, record.epochs) == (0.9, 2, 3)
    assert record.train_seconds == 6.0


def test_the_best_record_ignores_trials_without_an_epoch():
    assert best_record([trial(1)]) is None
    assert best_record([trial(1), trial(2, 0.7), trial(3, 0.9, 0.6)]).number == 3


def test_the_frame_has_a_row_per_trial_and_a_column_per_parameter():
    frame = to_frame([trial(1, 0.8), trial(2)])
    assert list(frame["trial"]) == [1, 2]
    assert list(frame["momentum"]) == [0.9, 0.9]
    assert frame["dropout"].isna().all()
    assert math.isnan(frame["val_accuracy"][1])


def test_keywords_of_the_network_are_columns():
    record = TrialRecord(0, "id0", {"model": "mynet", "lr": 0.1, "model.width": 32})
    frame = to_frame([record, trial(1, 0.8)])
    assert frame["model.width"].fillna(0).tolist() == [32, 0]
    assert list(frame)[3:5] == ["model", "optimizer"]


def test_the_configuration_after_an_exploit_is_that_of_the_best_epoch():
    record = trial(1, 0.8, 0.9)
    record.exploits.append({"epoch": 2, "donor": 5, "params": {"model": "lenet", "lr": 0.2}})
    assert record.config_of(2)["lr"] == 0.1
    assert record.config_of(3)["lr"] == 0.2
    assert list(to_frame([record])["lr"]) == [0.1]
    record.add_epoch(epoch(3, 0.95))
    frame = to_frame([record])
    assert list(frame["lr"]) == [0.2]
    assert list(frame["exploits"]) == ["epoch 2 from #5"]


def test_the_frame_does_not_change_the_records():
    record = trial(1, 0.8, 0.9)
    record.exploits.append({"epoch": 2, "donor": 5, "params": {"model": "lenet", "lr": 0.2}})
    before = copy.deepcopy(record)
    to_frame([record])
    assert record == before


def test_only_final_states_count_as_ended():
    going_on = {TrialState.PENDING, TrialState.RUNNING, TrialState.PAUSED}
    assert {state for state in TrialState if not state.ended} == going_on
