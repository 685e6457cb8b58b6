"""The end of the trials of a search with a time budget."""

from types import SimpleNamespace

import pytest

from tests.reporting.test_ensembles import ensemble
from tests.tuning.settings import context_in
from tune_mnist.training.ensemble_file import write_ensemble
from tune_mnist.tuning import time_budget
from tune_mnist.tuning.final.final_evaluation import FinalEvaluation
from tune_mnist.tuning.options.search_options import SearchOptions
from tune_mnist.tuning.planning.estimate import expected_ensemble_seconds
from tune_mnist.tuning.planning.resources import Workers, trial_settings
from tune_mnist.tuning.planning.speeds import Speed
from tune_mnist.tuning.recording.trial_record import TrialRecord, TrialState
from tune_mnist.tuning.spaces.space import load_space
from tune_mnist.tuning.time_budget import REPORT_SECONDS, TimeBudget

WORKERS = Workers(1, 0, 2)


@pytest.mark.parametrize(("final", "over"), [(500.0, False), (700.0, True)])
def test_trials_end_once_the_final_runs_need_the_rest(final, over):
    budget = TimeBudget(600 + REPORT_SECONDS)
    needed = SimpleNamespace(expected_seconds=lambda _: final)
    assert budget.needs_rest(needed, []) is over


def test_a_plan_counts_all_epochs_of_the_portfolio(monkeypatch):
    speeds = {"lenet": Speed(500, 1_500)}
    monkeypatch.setattr(time_budget, "measure", lambda *_: speeds)
    space = load_space("lenet")
    images = SimpleNamespace(train_labels=range(60_000), test_labels=range(10_000))
    planned = []
    for portfolio in (True, False):
        options = SearchOptions.for_space(space, budget=600, portfolio=portfolio, num_samples=2)
        context = SimpleNamespace(space=space, options=options, workers=WORKERS)
        budget = TimeBudget(600)
        planned.append(budget.plan(context, frozenset({"portfolio"}), images)[0])
    with_portfolio, without = planned
    assert (with_portfolio.fraction, with_portfolio.num_samples) < (
        without.fraction,
        without.num_samples,
    )


def expected(
    tmp_path,
    digits,
    space="lenet",
    stage=0,
    speed=1_000.0,
    val_images=300,
    train_images=1_000,
    epoch_seconds=None,
    level=None,
    **given,
):
    """Return the expected time of the final evaluation of one best trial, of accuracy 0.9."""
    found = load_space(space)
    options = SearchOptions.for_space(found, device="cpu", **given)
    settings = trial_settings(options, WORKERS, tmp_path, fidelity=options.fidelity(found))
    config = {"model": found.models[0], "lr": 0.01, "batch_size": 32}
    record = TrialRecord(0, "id0", config, TrialState.INTERRUPTED)
    record.best_epoch, record.val_accuracy, record.stage = 1, 0.9, stage
    record.last = {"images_per_second": speed}
    if epoch_seconds is not None:
        record.last["epoch_seconds"] = epoch_seconds
    images = {"train_images": train_images, "val_images": val_images}
    context = context_in(tmp_path, found, options, WORKERS, settings=settings, **images)
    return FinalEvaluation(context, digits, range(1_000), level).expected_seconds([record])


def test_seeds_epochs_and_the_test_set_cost_time(tmp_path, digits):
    few = expected(tmp_path, digits, final_seeds=2, max_epochs=2)
    assert expected(tmp_path, digits, final_seeds=8, max_epochs=2) > 3 * few
    assert expected(tmp_path, digits, final_seeds=2, max_epochs=20) > 3 * few
    training_alone = 2 * 1_000 / 1_000  # two runs on two workers
    assert few > training_alone
    assert expected(tmp_path, digits, final_seeds=0) < 1


def test_speeds_at_a_stage_of_small_images_are_not_those_of_final_runs(tmp_path, digits):
    small = expected(tmp_path, digits, "resnet-fidelity", stage=1)
    full = expected(tmp_path, digits, "resnet-fidelity", stage=3)
    assert small > 2 * full


def test_the_ensemble_costs_the_time_of_its_validation_images(tmp_path, digits):
    few, many = (
        expected(tmp_path, digits, val_images=images, speed=100, max_epochs=1)
        for images in (200, 10_200)
    )
    assert many - few == pytest.approx(10_000 / (2 * 100))  # classified at twice the speed


@pytest.mark.parametrize(
    ("epoch_seconds", "forward"), [(2.0, 2), (1.25, 4), (1.01, 8), (1.0, 2), (0.9, 2), (None, 2)]
)
def test_images_are_classified_as_fast_as_in_the_validation_of_the_trials(
    tmp_path, digits, epoch_seconds, forward
):
    """At 1,000 images/s, an epoch trains for 1 s and validates 1,000 images in the rest of it."""
    given = {"train_images": 1_000, "val_images": 1_000, "epoch_seconds": epoch_seconds}
    validating = expected(tmp_path, digits, final_seeds=0, **given)
    all_images = 0.2 * len(digits.train_labels)
    assert validating == pytest.approx(all_images / (1_000 * forward))
    final = expected(tmp_path, digits, final_seeds=2, max_epochs=1, speed=10.0, **given)
    assert final > 1_000 / 10  # training alone


def test_the_slowest_half_of_the_candidates_is_tested_as_ensemble():
    assert expected_ensemble_seconds([100], 2_000, 10_000, 2) == 20 + 100
    assert expected_ensemble_seconds([1_000, 100], 2_000, 10_000, 2) == 20 + 100
    assert expected_ensemble_seconds([100] * 4, 2_000, 10_000, 2) == 40 + 100


def test_no_time_is_kept_for_final_runs_that_will_be_skipped(tmp_path, digits):
    assert expected(tmp_path, digits, level=0.8) == expected(tmp_path, digits)
    # What is left is the evaluation on all validation images.
    none = expected(tmp_path, digits, final_seeds=0)
    assert expected(tmp_path, digits, level=0.95) == none < expected(tmp_path, digits)


def test_no_time_is_kept_for_an_ensemble_that_is_stored(tmp_path, digits):
    before = expected(tmp_path, digits, val_images=10_000)
    (tmp_path / "ensemble").mkdir()
    write_ensemble(tmp_path, ensemble([], [], counts=(1,)))
    assert expected(tmp_path, digits, val_images=10_000) < before
    write_ensemble(
        tmp_path, ensemble([], [], counts=(1, 1))
    )  # of two trials, one of which is not among the best
    assert expected(tmp_path, digits, val_images=10_000) == before
