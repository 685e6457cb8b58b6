import pytest

from tune_mnist.tuning.recording.trial_record import TrialRecord, TrialState
from tune_mnist.tuning.running.stop_reason import StopReason
from tune_mnist.tuning.running.stopper import without_improvement


def ended(*accuracies, stage=0, state=TrialState.COMPLETE):
    return [
        TrialRecord(n, str(n), {}, state, epochs=1, best_epoch=1, val_accuracy=value, stage=stage)
        for n, value in enumerate(accuracies)
    ]


@pytest.mark.parametrize(
    ("records", "since"),
    [
        ([], 0),
        (ended(0.9), 0),
        (ended(0.9, 0.8, 0.7), 2),
        # The standard error of 0.9 from 1,000 images is 0.0095.
        (ended(0.9, 0.905, 0.908), 2),
        (ended(0.9, 0.905, 0.92), 0),
        (ended(0.9, 0.92, 0.9), 1),
        (ended(0.9) + ended(0.99, state=TrialState.DIVERGED), 1),
        (ended(0.9, stage=1) + ended(0.5, stage=2), 0),
        (ended(0.5, stage=2) + ended(0.9, stage=1), 1),
    ],
)
def test_an_improvement_exceeds_noise(records, since):
    assert without_improvement(records, 1_000) == since


def test_the_final_evaluation_follows_a_regular_end_only():
    in_order = {stop_reason for stop_reason in StopReason if stop_reason.in_order}
    assert in_order == {
        StopReason.FINISHED,
        StopReason.EXHAUSTED,
        StopReason.OUT_OF_TIME,
        StopReason.TARGET_REACHED,
        StopReason.NO_IMPROVEMENT,
    }
