"""Plan of a search for a time budget."""

import pytest

from tests.messages import assert_refused, refusal
from tune_mnist.tuning.options.search_options import SearchOptions
from tune_mnist.tuning.planning.budget import BudgetPlan
from tune_mnist.tuning.planning.speeds import Speed
from tune_mnist.tuning.spaces.space import load_space

IMAGES = 60_000


def plan(space, speed, fixed=(), exempt=0, **given):
    """Return the plan of a search whose workers train ``speed`` images of 64x64 a second."""
    found = load_space(space)
    options = SearchOptions.for_space(found, **given)

    def measure(size):
        scaled = speed * (64 / size) ** 2
        return dict.fromkeys(found.models, Speed(train=scaled, validate=3 * scaled))

    return BudgetPlan(found, options, frozenset(fixed), IMAGES, 10_000, 2, measure, exempt)


def planned(seconds, *arguments, **given):
    return plan(*arguments, **given).options_for(lambda: seconds)


def test_more_time_means_more_images_and_then_more_trials():
    plans = [planned(minutes * 60, "resnet", 300) for minutes in (10, 60, 600, 6_000)]
    fractions = [each.fraction for each in plans]
    assert fractions == sorted(fractions)
    assert fractions[0] < fractions[-1] == 1
    assert plans[-1].num_samples > plans[-2].num_samples


@pytest.mark.parametrize("minutes", [10, 60, 600])
def test_a_plan_leaves_time_for_trials_beside_the_final_runs(minutes):
    made = plan("resnet", 300)
    chosen = made.options_for(lambda: minutes * 60)
    assert made.seconds(chosen, 8) <= minutes * 60


def test_a_plan_leaves_time_for_all_epochs_of_a_portfolio():
    plain, made = plan("lenet", 300), plan("lenet", 300, exempt=3)
    options = SearchOptions.for_space(load_space("lenet"), fraction=0.1, max_epochs=9)
    assert made.seconds(options, 8) > 1.2 * plain.seconds(options, 8)
    chosen = made.options_for(lambda: 3_600)
    assert made.seconds(chosen, 8) <= 3_600


def test_little_time_lowers_the_epochs_and_then_the_image_size():
    long, short, shorter = (planned(each, "resnet", 300) for each in (7_200, 400, 200))
    assert (long.image_size, long.max_epochs) == (64, 9)
    assert short.max_epochs < 9
    assert shorter.image_size < 64


def test_one_seed_is_planned_if_several_take_too_long():
    several = planned(200, "resnet", 300)
    few = planned(60, "resnet", 300)
    assert (several.final_seeds, few.final_seeds) == (3, 1)
    refusal(planned, 20, "resnet", 300, {"final_seeds"}, final_seeds=3)


def test_half_the_smallest_fraction_is_the_last_resort():
    few, fewer = planned(60, "resnet", 300), planned(30, "resnet", 300)
    assert (few.final_seeds, fewer.final_seeds) == (1, 1)
    assert fewer.fraction == few.fraction / 2
    refusal(planned, 30, "resnet", 300, {"fraction"}, fraction=few.fraction)


def test_given_options_are_kept():
    given = {"max_epochs": 9, "fraction": 1.0, "image_size": 64, "num_samples": 5}
    chosen = planned(100_000, "resnet", 300, given, **given)
    assert {key: getattr(chosen, key) for key in given} == given


def test_a_network_of_fixed_size_is_not_made_smaller():
    made = plan("lenet", 2_000)
    sizes = {made.options_for(lambda left=left: left).image_size for left in (60, 3_000)}
    assert len(sizes) == 1


def test_two_time_limits_are_refused():
    facts = "--budget --time-budget"
    assert_refused(facts, plan, "lenet", 2_000, budget=600, time_budget=300)


def test_the_limit_of_a_space_gives_way():
    options = SearchOptions.for_space(load_space("resnet"), budget=600)
    assert (options.budget, options.time_budget) == (600, None)


def test_a_time_that_is_too_short_is_refused():
    assert_refused("--budget 5s", planned, -10, "lenet", 2_000, budget=5)


def test_the_time_of_a_measurement_counts():
    """Each look at the clock finds less time."""
    left = iter([1_000, 400, *[200] * 1_000])
    chosen = plan("resnet", 300).options_for(lambda: next(left))
    assert plan("resnet", 300).seconds(chosen, 8) <= 200


def test_a_population_is_compared_at_least_once():
    given = {"scheduler": "pbt", "perturbation_interval": 4, "budget": 300}
    assert planned(150, "resnet", 300, **given).max_epochs > 4
