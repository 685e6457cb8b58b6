import itertools
import math

import numpy as np
import pytest

from tune_mnist.tuning.schedulers.rungs import Rungs, rung_epochs


def rungs(*values, epochs=(1, 3), reduction_factor=3, num_trials=9):
    """Return rungs; trials 0, 1, ... have reached the first with these values."""
    made = Rungs(epochs, reduction_factor, num_trials)
    for number, value in enumerate(values):
        made.add(number)
        made.record(number, epochs[0], value)
    return made


def numbers(paused_trials):
    return {paused.number for paused in paused_trials}


def test_a_third_of_the_trials_at_a_rung_is_promoted():
    assert numbers(rungs(0.1, 0.2).promotable()) == set()
    assert numbers(rungs(0.1, 0.2, 0.3).promotable()) == {2}
    assert numbers(rungs(0.1, 0.2, 0.3, 0.4, 0.5).promotable()) == {4}
    assert numbers(rungs(0.1, 0.2, 0.3, 0.4, 0.5, 0.6).promotable()) == {4, 5}


def test_a_promoted_trial_keeps_its_place():
    made = rungs(0.3, 0.1, 0.2)
    made.promote(0)
    assert numbers(made.promotable()) == set()
    assert not made.is_paused(0)
    assert made.is_paused(2)


def test_an_ended_trial_keeps_its_place():
    made = rungs(0.3, 0.1, 0.2)
    made.end(0)
    assert numbers(made.promotable()) == set()
    assert numbers(made.paused()) == {1, 2}


def test_an_epoch_after_a_rung_implies_a_promotion():
    made = rungs(0.3, 0.1, 0.2)
    made.record(0, 2, 0.4)
    assert not made.is_paused(0)
    made.record(0, 3, 0.5)
    assert [(s.epoch, s.value) for s in made.paused() if s.number == 0] == [(3, 0.5)]


def test_the_first_value_at_a_rung_counts():
    made = rungs(0.3, 0.1, 0.2)
    made.record(1, 1, 0.9)
    assert numbers(made.promotable()) == {0}


def test_order_of_promotion_is_rung_then_accuracy_then_age():
    made = rungs(0.5, 0.9, 0.9, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, num_trials=9)
    for number in (3, 4, 5):
        made.promote(number)
        made.record(number, 3, 0.2)
    made.promote(6)
    assert [(s.epoch, s.number) for s in made.promotable()] == [(3, 3), (1, 1), (1, 2), (1, 0)]
    everything = list(made.paused())
    assert [s.number for s in everything] == [3, 4, 5, 1, 2, 0, 7, 8]
    assert everything == sorted(everything, key=lambda s: s.priority, reverse=True)


def test_equal_accuracies_are_ranked_by_loss_not_by_age():
    made = Rungs((1, 3), 3, 9)
    for number, loss in enumerate((2.31, 2.30, 2.25, math.nan, 2.29, 2.28)):
        made.add(number)
        made.record(number, 1, 0.1007, loss)
    assert [s.number for s in made.promotable()] == [2, 5]
    made.close()
    assert made.cannot_be_promoted(spare_best=False) == {0, 1, 3, 4}


def test_nan_ranks_last():
    made = rungs(math.nan, 0.1, 0.0)
    assert numbers(made.promotable()) == {1}
    assert numbers(rungs(math.nan, math.nan, -math.inf).promotable()) == {0}


def test_a_trial_outside_the_best_third_of_all_cannot_be_promoted():
    assert rungs(0.4, 0.3, 0.2).cannot_be_promoted(spare_best=False) == set()
    assert rungs(0.4, 0.3, 0.2, 0.1).cannot_be_promoted(spare_best=False) == {3}
    assert rungs(0.4, 0.3, 0.2, 0.1, num_trials=12).cannot_be_promoted(spare_best=False) == set()


def test_fewer_remaining_trials_rule_out_more_promotions():
    made = rungs(0.4, 0.3, 0.2, 0.1)
    made.close()
    assert made.cannot_be_promoted(spare_best=False) == {1, 2, 3}


def test_a_trial_lost_before_its_first_rung_rules_out_more_promotions():
    made = rungs(0.4, 0.3, 0.2)
    made.add(8)
    made.end(8)
    assert made.cannot_be_promoted(spare_best=False) == {2}


def test_the_second_rung_counts_trials_promoted_too_early():
    made = rungs(0.1, 0.2, 0.3, 0.4, 0.5, 0.6)
    for number in (2, 4, 5):
        made.promote(number)
    made.record(2, 3, 0.3)
    made.close()
    # Three trials were promoted, one more than a third of six. One of them can be promoted again.
    assert made.cannot_be_promoted(spare_best=False) == {0, 1, 3}
    made.record(4, 3, 0.5)
    assert 2 in made.cannot_be_promoted(spare_best=False)


def test_the_best_trial_of_each_rung_can_be_exempted():
    made = rungs(0.1, 0.2, num_trials=2)
    assert made.cannot_be_promoted(spare_best=False) == {0, 1}
    assert made.cannot_be_promoted(spare_best=True) == {0}


@pytest.mark.parametrize("seed", range(30))
def test_a_trial_given_up_is_never_promotable_later(seed):
    """Trials that cannot be promoted are never promotable later, for any order of events."""
    rng = np.random.default_rng(seed)
    total = int(rng.integers(3, 40))
    made = Rungs((1, 2, 4), 2 + seed % 2, total)
    coming, running, hopeless = list(range(total)), {}, set()
    while True:
        moves = [("new", None)] * bool(coming)
        moves += [("report", number) for number in running]
        moves += [("promote", s.number) for s in made.promotable()]
        if not moves:
            break
        assert not hopeless & numbers(made.promotable())
        move, number = moves[rng.integers(len(moves))]
        if move == "new":
            number = coming.pop(0)
            made.add(number)
            running[number] = 1
        elif move == "promote":
            epoch = next(s.epoch for s in made.paused() if s.number == number)
            made.promote(number)
            running[number] = epoch * 2
        elif rng.random() < 0.1:
            made.end(number)
            del running[number]
        else:
            made.record(number, running.pop(number), rng.random())
        hopeless |= made.cannot_be_promoted(spare_best=False)
    # All paused trials have been given up.
    made.close()
    assert numbers(made.paused()) <= made.cannot_be_promoted(spare_best=False)


def test_the_result_does_not_depend_on_the_order_of_events():
    events = [(0, 1, 0.3), (1, 1, 0.2), (2, 1, 0.1), (0, 2, 0.4)]
    seen = set()
    for order in itertools.permutations(events):
        made = rungs(num_trials=3)
        for number in range(3):
            made.add(number)
        for number, epoch, value in sorted(order, key=lambda event: event[1]):
            made.record(number, epoch, value)
        seen.add((str(made), *sorted(made.paused())))
    assert len(seen) == 1


def test_a_trial_may_lack_the_value_at_an_earlier_rung():
    made = Rungs((1, 2, 4), 2, 1)
    made.add(0)
    made.record(0, 2, 0.5)
    made.end(0)
    assert made.cannot_be_promoted(spare_best=False) == set()


def test_rungs_are_below_the_last_epoch():
    assert rung_epochs(9, 1, 3) == (1, 3)
    assert rung_epochs(10, 1, 3) == (1, 3, 9)
    assert rung_epochs(20, 2, 2) == (2, 4, 8, 16)
    assert rung_epochs(3, 3, 3) == ()
