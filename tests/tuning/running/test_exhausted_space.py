"""A search of a small space runs each configuration once, and then ends."""

from pathlib import Path

import pytest

from tests.tuning.settings import context_in
from tune_mnist.tuning.options.search_options import SearchOptions
from tune_mnist.tuning.planning.resources import Workers
from tune_mnist.tuning.running.search_components import SearchComponents, build_components
from tune_mnist.tuning.running.stop_reason import StopReason
from tune_mnist.tuning.spaces.space import parse_space

SPACE = parse_space(
    """
description: four configurations
model: lenet
parameters:
  lr: {type: categorical, choices: [0.1, 0.2]}
  dropout: {type: categorical, choices: [0.0, 0.5]}
""",
    Path("four.yaml"),
)


def components_in(folder: Path, scheduler: str = "none", num_samples: int = 9) -> SearchComponents:
    options = SearchOptions.for_space(
        SPACE, scheduler=scheduler, searcher="random", num_samples=num_samples, max_epochs=2
    )
    workers = Workers(cpus=1, gpus=0, concurrent=9)
    return build_components(context_in(folder, SPACE, options, workers))


def begin(components: SearchComponents, count: int) -> list[dict]:
    components.searcher.left = components.trials_left()
    return [components.searcher.suggest(f"{count}-{number}") for number in range(count)]


def test_a_search_ends_when_every_configuration_has_been_tried(tmp_path):
    components = components_in(tmp_path)
    assert components.trials_left() == 4
    begun = begin(components, 2)
    components.searcher.trial_store.fail(0, "no such luck")
    assert components.trials_left() == 3
    resumed = components_in(tmp_path)
    assert resumed.trials_left() == 3
    begun += begin(resumed, 3)[1:]
    assert len({(config["lr"], config["dropout"]) for config in begun}) == 4
    assert not resumed.is_exhausted()
    for config in begun[1:]:
        resumed.searcher.trial_store.fail(config["number"], "no such luck")
    assert resumed.trials_left() == 0
    assert resumed.is_exhausted()
    assert StopReason.EXHAUSTED.in_order


def test_a_search_as_large_as_its_space_is_not_exhausted(tmp_path):
    components = components_in(tmp_path, num_samples=4)
    for config in begin(components, 4):
        components.searcher.trial_store.fail(config["number"], "no such luck")
    assert not components.is_exhausted()


def test_a_population_may_have_equal_members(tmp_path):
    components = components_in(tmp_path, "pbt")
    assert components.trials_left() == 9
    assert len([config for config in begin(components, 9) if isinstance(config, dict)]) == 9


@pytest.mark.parametrize("count", [3, 9])
def test_num_samples_limits_a_grid(tmp_path, count):
    options = SearchOptions.for_space(SPACE, searcher="grid", num_samples=count)
    assert options.num_samples == min(count, 4)
