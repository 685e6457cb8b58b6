import math
from pathlib import Path

import pytest

from tests.messages import assert_refused
from tune_mnist.tuning.options.option_fields import EXTERNAL, FIXED, MEASURED, OptionFields
from tune_mnist.tuning.options.search_options import SearchOptions
from tune_mnist.tuning.spaces.space import load_space, parse_space


def test_user_options_override_defaults_of_the_space():
    space = load_space("resnet")
    options = SearchOptions.for_space(space, num_samples=None, max_epochs=3)
    assert options.max_epochs == 3
    assert options.num_samples == space.defaults.num_samples
    assert options.fraction == space.defaults.fraction


def test_paths_become_absolute(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    options = SearchOptions.for_space(
        load_space("lenet"), data_dir="data", warm_start="../x", mlflow="sqlite:///m.db"
    )
    assert options.data_dir == tmp_path / "data"
    assert options.warm_start == tmp_path.parent / "x"
    assert options.mlflow == f"sqlite:///{tmp_path}/m.db"


@pytest.mark.parametrize(
    ("given", "facts"),
    [
        (
            {"objective": "val_accuracy,parameters", "scheduler": "asha"},
            "--scheduler asha-promotion --objective val_accuracy,parameters",
        ),
        ({"objective": "parameters"}, "objective val_accuracy parameters"),
        ({"objective": "val_accuracy,speed"}, "objective 'speed'"),
        ({"searcher": "gp"}, "--searcher gp --scheduler asha-promotion"),
        (
            {"searcher": "cmaes", "objective": "val_accuracy,parameters"},
            "--searcher cmaes --objective val_accuracy,parameters",
        ),
        ({"searcher": "grid"}, "--searcher grid step choices"),
        ({"storage_path": "ftp://host/a"}, "ftp://host/a s3://bucket/folder gs://"),
        ({"gpus_per_trial": 0.001}, "gpus_per_trial 0 0.01 0.001"),
        ({"grace_period": 20}, "--grace-period --max-epochs 9 20"),
        ({"searcher": "tpe", "scheduler": "pbt"}, "--searcher tpe --scheduler pbt"),
        ({"num_samples": 1, "scheduler": "pbt"}, "--num-samples 2 1"),
        (
            {"perturbation_interval": 9, "scheduler": "pbt"},
            "--perturbation-interval --max-epochs 9",
        ),
        ({"scheduler": "ashaa"}, "scheduler 'ashaa' 'asha'"),
    ],
)
def test_an_incompatible_combination_is_refused(given, facts):
    assert_refused(facts, SearchOptions.for_space, load_space("lenet"), **given)


def test_grid_search_refuses_a_warm_start(tmp_path):
    space = parse_space(
        "description: a grid\nmodel: lenet\n"
        "parameters: {lr: {type: categorical, choices: [0.1, 0.2]}}\n",
        tmp_path / "grid.yaml",
    )
    given = {"searcher": "grid", "warm_start": tmp_path}
    assert_refused("--warm-start --searcher grid", SearchOptions.for_space, space, **given)
    # The number of trials is limited to the size of the grid.
    assert SearchOptions.for_space(space, searcher="grid", num_samples=9).num_samples == 2


def test_population_based_training_defaults_to_random_search():
    space = load_space("lenet")
    assert SearchOptions.for_space(space, scheduler="pbt").searcher == "random"
    assert SearchOptions.for_space(space, scheduler="pbt", searcher="qmc").searcher == "qmc"


def test_several_objectives_disable_early_stopping():
    options = SearchOptions.for_space(load_space("lenet"), objective="val_accuracy,parameters")
    assert options.scheduling.name == "none"
    assert options.directions == {"val_accuracy": "max", "parameters": "min"}


@pytest.mark.parametrize(
    ("given", "facts"),
    [
        ({"num_samples": 0}, "num_samples 1 0"),
        ({"fraction": 1.5}, "fraction 1 1.5"),
        ({"image_size": 8}, "image_size 28 8"),
        ({"cpus_per_trial": 0}, "cpus_per_trial 0.1 0"),
        ({"dataset": "mnits"}, "dataset 'mnits' 'mnist'"),
        ({"device": "tpu"}, "device 'tpu'"),
        ({"precision": "fp8"}, "precision 'fp8'"),
        ({"seed": -1}, "seed 0 -1"),
        ({"num_samples": 10**9}, "num_samples"),
        ({"max_epochs": 10**9}, "max_epochs"),
        ({"fraction": math.nan}, "fraction 1 nan"),
        ({"val_fraction": 0.0}, "val_fraction 0 0.0"),
        ({"image_size": 100_000}, "image_size 1024 100000"),
        ({"time_budget": 0.0}, "time_budget 0 0.0"),
        ({"time_budget": math.inf}, "time_budget 31622400 inf"),
        ({"cpus_per_trial": 1e-6}, "cpus_per_trial 0.1 1e-06"),
        ({"cpus_per_trial": math.inf}, "cpus_per_trial finite inf"),
        ({"cpus_per_trial": math.nan}, "cpus_per_trial finite nan"),
        ({"gpus_per_trial": -1.0}, "gpus_per_trial 0 -1.0"),
        ({"gpus_per_trial": math.nan}, "gpus_per_trial finite nan"),
        ({"gpus_per_trial": 1.5}, "gpus_per_trial 1.5"),
        ({"max_concurrent": 0}, "max_concurrent 1 0"),
        ({"final_seeds": -1}, "final_seeds 0 -1"),
        ({"final_epochs": 0}, "final_epochs 1 0"),
        ({"final_fraction": 1.5}, "final_fraction 1 1.5"),
    ],
)
def test_an_invalid_option_is_named(given, facts):
    assert_refused(facts, SearchOptions.for_space, load_space("lenet"), **given)


def test_the_grace_period_of_a_space_gives_way_to_epochs_and_scheduler():
    space = load_space("lenet-best")
    default = space.defaults.grace_period
    assert default > 1
    assert SearchOptions.for_space(space).grace_period == default
    assert SearchOptions.for_space(space, max_epochs=2).grace_period == 2
    assert SearchOptions.for_space(space, scheduler="hyperband").grace_period == 1
    assert SearchOptions.for_space(space, objective="val_accuracy,parameters").grace_period == 1
    assert SearchOptions.for_space(space, grace_period=3).grace_period == 3
    facts = "--grace-period --max-epochs 2 3"
    assert_refused(facts, SearchOptions.for_space, space, grace_period=3, max_epochs=2)


def test_only_a_default_fraction_is_raised_for_small_data():
    space = load_space("all")
    assert SearchOptions.for_space(space).for_images(1_437).fraction == 1.0
    assert SearchOptions.for_space(space).for_images(60_000).fraction == space.defaults.fraction
    given = SearchOptions.for_space(space, fraction=0.1)
    assert given.for_images(1_437).fraction == 0.1
    assert "fraction_given" not in given.model_dump()


def test_options_that_name_a_place_are_external():
    """A results folder of another user must not determine any of them."""
    fields = OptionFields.model_fields
    paths = {name for name, field in fields.items() if field.annotation == Path | None}
    free_texts = {name for name, field in fields.items() if field.annotation == str | None}
    assert paths | (free_texts - {"scheduler"}) == set(EXTERNAL)


def test_options_that_affect_accuracies_are_fixed():
    assert set(MEASURED) - {"data_dir"} <= set(FIXED)  # a checksum of the images is compared
