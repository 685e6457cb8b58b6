import pytest

from tune_mnist.tuning.planning.estimate import expected_epochs, time_on_workers
from tune_mnist.tuning.schedulers.options import SchedulerOptions
from tune_mnist.tuning.schedulers.registry import SCHEDULERS


def epochs(num_samples, max_epochs, name="asha-stopping"):
    return expected_epochs(num_samples, SchedulerOptions(name, max_epochs))


def test_asha_needs_fewer_epochs_than_full_training():
    assert 16 < epochs(16, 9) < 16 * 9 * 0.7


@pytest.mark.parametrize("num_samples", [1, 2, 8, 16])
def test_promotion_needs_fewer_epochs_than_stopping(num_samples):
    promoting = epochs(num_samples, 9, "asha-promotion")
    assert promoting >= num_samples + 8
    assert promoting <= epochs(num_samples, 9)


def test_no_early_stopping_needs_all_epochs():
    assert epochs(16, 9, "none") == 16 * 9


@pytest.mark.parametrize("name", SCHEDULERS)
def test_one_epoch_per_trial_is_exact(name):
    assert epochs(5, 1, name) == 5


def test_more_trials_need_more_epochs():
    assert epochs(8, 9) < epochs(32, 9)


@pytest.mark.parametrize("name", SCHEDULERS)
def test_exempt_trials_train_all_epochs(name):
    options = SchedulerOptions(name, 9)
    mixed = expected_epochs(16, options, exempt=3)
    assert mixed == expected_epochs(13, options) + 3 * 9
    assert expected_epochs(2, options, [0.5] * 9, exempt=3) == 9


def test_three_equal_tasks_on_two_workers_take_two_rounds():
    assert time_on_workers([5.0, 5.0, 5.0], 2) == 10.0
    assert time_on_workers([9.0, 5.0, 4.0], 2) == 9.0
    assert time_on_workers([], 2) == 0.0
