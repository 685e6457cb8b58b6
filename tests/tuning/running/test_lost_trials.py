"""Trials that Ray ends without a callback."""

from types import SimpleNamespace

import pytest

from tests.tuning.example_trial import Search
from tune_mnist.tuning.running.lost_trials import LOST_WORKER, LostTrials


class Searcher:
    """The part of a searcher that lost trials are reported to."""

    def __init__(self, trial_store):
        self.trial_store = trial_store
        self.live = {}

    def handed_out(self):
        return frozenset(self.live)

    def on_trial_complete(self, trial_id, error):
        del self.live[trial_id]


class RaysTrial(SimpleNamespace):
    """A trial in Ray's list of trials."""

    def is_finished(self):
        return self.status in ("TERMINATED", "ERROR")


@pytest.fixture
def searcher():
    return Searcher(Search(3).trial_store)


@pytest.fixture
def hand_out(searcher):
    search = Search(3)
    searcher.trial_store = search.trial_store

    def handed_out(number):
        begun = search.trial(number)
        trial = RaysTrial(trial_id=f"id{number}", config=begun.config, status="RUNNING")
        searcher.live[trial.trial_id] = trial
        return trial

    return handed_out


def test_a_lost_trial_is_recorded_even_if_another_trial_was_moved(searcher, hand_out):
    lost_trials = LostTrials(searcher)
    trials = [hand_out(0), hand_out(1)]
    lost_trials.on_step_end(0, trials)
    trials.append(hand_out(2))
    trials.append(trials.pop(0))  # Ray retries the trial in the same step
    lost_trials.on_step_end(1, trials)
    assert searcher.handed_out() == {"id0", "id1", "id2"}

    trials[1].status = "ERROR"
    lost_trials.on_step_end(2, trials)
    assert searcher.handed_out() == {"id0", "id1"}
    assert searcher.trial_store.record(2).reason == LOST_WORKER


def test_trials_that_end_with_a_callback_are_not_lost(searcher, hand_out):
    lost_trials = LostTrials(searcher)
    trials = [hand_out(0), hand_out(1)]
    lost_trials.on_step_end(0, trials)
    trials[0].status = "TERMINATED"
    searcher.on_trial_complete("id0", error=False)
    lost_trials.on_step_end(1, trials)
    assert searcher.trial_store.record(0).reason == ""
    assert searcher.handed_out() == {"id1"}


def test_a_trial_that_is_lost_after_a_pause_is_recorded(searcher, hand_out):
    lost_trials = LostTrials(searcher)
    trials = [hand_out(0)]
    for status in ("PAUSED", "PENDING", "ERROR"):
        trials[0].status = status
        lost_trials.on_step_end(0, trials)
    assert searcher.trial_store.record(0).reason == LOST_WORKER
    assert not searcher.handed_out()
