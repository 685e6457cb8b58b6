"""Totals over the trials of a search."""

from types import SimpleNamespace

import pytest

from tests.tuning.watching.test_progress import record, trial_store_of
from tune_mnist.tuning.recording.trial_record import TrialState
from tune_mnist.tuning.watching.totals import TrialTotals


def totals_of(records):
    return TrialTotals(trial_store_of(records), lambda epochs: 0.5 * epochs)


def test_a_search_without_trials_has_no_best_trial():
    totals = totals_of([])
    assert (totals.ended, totals.trained, totals.best) == (0, 0, None)


def test_running_and_ended_trials_are_included():
    records = [
        record(0, TrialState.PRUNED, 0.7),
        record(1, TrialState.RUNNING, 0.8, 0.6),
        record(2, TrialState.FAILED, 0.9),
        record(3, TrialState.PENDING),
    ]
    totals = totals_of(records)
    assert (totals.ended, totals.trained) == (2, 0.5 * 4)
    assert totals.best is records[1]


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_each_trial_is_counted_once_when_it_ends(order):
    records = [record(n, TrialState.RUNNING, 0.5 + n / 10) for n in (0, 1)]
    totals = totals_of(records)
    for count, number in enumerate(order, start=1):
        records[number].state = TrialState.PRUNED
        assert [totals.ended, totals.ended] == [count, count]
        assert (totals.trained, totals.best) == (1.0, records[1])


def test_trials_that_begin_later_are_included():
    records = {}
    store = SimpleNamespace(numbers=records.keys(), record=records.__getitem__, records=[])
    totals = TrialTotals(store, float)
    records[0] = record(0, TrialState.PRUNED, 0.5)
    records[1] = record(1, TrialState.RUNNING, 0.6)
    assert (totals.ended, totals.trained, totals.best) == (1, 2, records[1])
