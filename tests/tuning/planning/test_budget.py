"""Plan of a search for a time budget."""

import pytest

from tune_mnist.errors import UserError
from tune_mnist.tuning.options.search_options import SearchOptions
from tune_mnist.tuning.planning.budget import BudgetPlan
from tune_mnist.tuning.planning.speeds import Speed
from tune_mnist.tuning.spaces.space import load_space

IMAGES = 60_000


def plan(space, speed, fixed=(), **given):
    """Return the plan of a search whose workers train ``speed`` images of 64x64 a second."""
    found = load_space(space)
    options = SearchOptions.for_space(found, **given)

    def measure(size):
        scaled = speed * (64 / size) ** 2
        return dict.fromkeys(found.models, Speed(train=scaled, validate=3 * scaled))

    return BudgetPlan(found, options, frozenset(fixed), IMAGES, 2, measure)


def test_more_time_means_more_images_and_then_more_trials():
    plans = [plan("resnet", 300).options_for(minutes * 60) for minutes in (5, 30, 300, 3_000)]
    fractions = [each.fraction for each in plans]
    assert fractions == sorted(fractions)
    assert fractions[0] < fractions[-1] == 1
    assert plans[-1].num_samples > plans[-2].num_samples


@pytest.mark.parametrize("minutes", [5, 10, 60, 600])
def test_a_plan_leaves_time_for_trials_beside_the_final_runs(minutes):
    made = plan("resnet", 300)
    chosen = made.options_for(minutes * 60)
    assert made.seconds(chosen, 8) <= minutes * 60


def test_little_time_lowers_the_epochs_and_then_the_image_size():
    long, short, shorter = (
        plan("resnet", 300).options_for(seconds) for seconds in (3_600, 240, 60)
    )
    assert (long.image_size, long.max_epochs) == (64, 9)
    assert short.max_epochs < 9
    assert shorter.image_size < 64
    assert plan("resnet", 300).options_for(1).num_samples >= 1


def test_given_options_are_kept():
    given = {"max_epochs": 9, "fraction": 1.0, "image_size": 64, "num_samples": 5}
    chosen = plan("resnet", 300, given, **given).options_for(60)
    assert {key: getattr(chosen, key) for key in given} == given


def test_a_network_of_fixed_size_is_not_made_smaller():
    made = plan("lenet", 2_000)
    assert made.options_for(30).image_size == made.options_for(3_000).image_size


def test_two_time_limits_are_refused():
    with pytest.raises(UserError, match="--budget"):
        plan("lenet", 2_000, budget=600, time_budget=300)


def test_the_limit_of_a_space_gives_way():
    options = SearchOptions.for_space(load_space("resnet"), budget=600)
    assert (options.budget, options.time_budget) == (600, None)
