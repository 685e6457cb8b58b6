from tune_mnist.tuning.estimate import expected_epochs


def test_asha_spends_less_than_training_every_trial_to_the_end():
    assert 16 < expected_epochs(16, 9) < 16 * 9 * 0.7


def test_with_one_epoch_every_trial_takes_exactly_that():
    assert expected_epochs(5, 1) == 5


def test_more_trials_take_more_epochs():
    assert expected_epochs(8, 9) < expected_epochs(32, 9)
