"""Trials that get no final runs, because they are no better than guessing."""

import math
import re

import pytest

from tests.messages import assert_named
from tests.tuning.final.test_selection import chosen, made, options, record
from tune_mnist.tuning.final.final_progress import describe_skipped
from tune_mnist.tuning.final.guessing import no_better_than_guessing, skipping_level
from tune_mnist.tuning.options.option_fields import FINAL_OPTIONS

LEVEL = 0.2


def skipped(plans, records, level, runs=()):
    return [plan.trial for plan in no_better_than_guessing(plans, records, level, runs)]


def test_final_runs_that_were_made_are_not_given_up_because_their_trial_guesses(tmp_path):
    records = [record(0, 0.1), record(1, 0.1, "resnet"), record(2, 0.9, "alexnet")]
    plans = chosen(tmp_path, records)
    assert skipped(plans, records, LEVEL) == [0, 1]
    lenet = next(plan for plan in plans if plan.model == "lenet")
    assert skipped(plans, records, LEVEL, [made(lenet)]) == [1]


@pytest.mark.parametrize("accuracy", [0.0, 0.1, math.nan])
def test_no_trial_is_skipped_without_a_level(tmp_path, accuracy):
    records = [record(0, accuracy)]
    plans = chosen(tmp_path, records)
    assert skipped(plans, records, None) == []
    assert skipped(plans, records, LEVEL) == [plan.trial for plan in plans]


@pytest.mark.parametrize("name", sorted(FINAL_OPTIONS))
def test_an_option_of_the_final_evaluation_asks_for_the_runs(name):
    assert skipping_level(LEVEL, {name, "num_samples"}) is None


@pytest.mark.parametrize("given", [(), {"num_samples", "max_epochs", "budget"}])
def test_other_options_do_not_ask_for_the_runs(given):
    assert skipping_level(LEVEL, given) == LEVEL


@pytest.mark.parametrize(("scheduler", "resumable"), [("asha", True), ("hyperband", False)])
def test_the_line_says_how_to_make_the_runs(tmp_path, scheduler, resumable):
    plans = chosen(tmp_path, [record(4, 0.1)])
    line = describe_skipped(plans, options(scheduler=scheduler, final_seeds=2))
    assert_named(["lenet", "trial 4", "--final-seeds 2"], line)
    assert bool(re.search("resum", line)) is resumable
