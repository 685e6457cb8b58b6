"""Totals over the trials of a search."""

from types import SimpleNamespace

import pytest

from tests.tuning.watching.test_progress import record
from tune_mnist.tuning.recording.trial_record import TrialState
from tune_mnist.tuning.watching.totals import TrialTotals


@pytest.fixture
def records():
    return {}


@pytest.fixture
def totals(records):
    store = SimpleNamespace(numbers=records.keys(), record=records.__getitem__)
    return TrialTotals(store, lambda epochs: 0.5 * epochs, chance_level=0.2)


def test_a_search_without_trials_has_no_best_trial(totals):
    totals.update()
    assert (totals.ended, totals.trained, totals.best) == (0, 0, None)


def test_running_and_ended_trials_are_included(records, totals):
    records[0] = record(0, TrialState.PRUNED, 0.7)
    records[1] = record(1, TrialState.RUNNING, 0.8, 0.6)
    records[2] = record(2, TrialState.FAILED, 0.9)
    records[3] = record(3, TrialState.PENDING)
    totals.update()
    assert (totals.ended, totals.trained) == (2, 0.5 * 4)
    assert totals.best is records[1]


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_each_trial_is_counted_once_when_it_ends(records, totals, order):
    records |= {n: record(n, TrialState.RUNNING, 0.5 + n / 10) for n in (0, 1)}
    for count, number in enumerate(order, start=1):
        records[number].state = TrialState.PRUNED
        totals.update()
        totals.update()
        assert totals.ended == count
        assert (totals.trained, totals.best) == (1.0, records[1])


def test_a_trial_that_fails_is_no_longer_the_best(records, totals):
    records |= {n: record(n, TrialState.RUNNING, 0.5 + n / 10) for n in (0, 1)}
    totals.update()
    assert totals.best is records[1]
    records[1].state = TrialState.DIVERGED
    totals.update()
    assert totals.best is records[0]


def test_a_search_has_learned_once_a_trial_was_better_than_guessing(records, totals):
    records[0] = record(0, TrialState.RUNNING, 0.2)
    totals.update()
    assert not totals.learned
    records[1] = record(1, TrialState.DIVERGED, 0.3)
    totals.update()
    assert totals.learned
