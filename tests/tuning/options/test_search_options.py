import math
from pathlib import Path

import pytest

from tune_mnist.errors import UserError
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
    ("given", "words"),
    [
        (
            {"objective": "val_accuracy,parameters", "scheduler": "asha"},
            "--scheduler asha-promotion cannot be combined with --objective val_accuracy,",
        ),
        ({"objective": "parameters"}, "must begin with val_accuracy"),
        ({"objective": "val_accuracy,speed"}, "unknown objective 'speed'"),
        ({"searcher": "gp"}, "--searcher gp cannot be combined with --scheduler asha-promotion"),
        (
            {"searcher": "cmaes", "objective": "val_accuracy,parameters"},
            "--searcher cmaes cannot be combined with --objective val_accuracy,parameters",
        ),
        ({"searcher": "grid"}, "step or choices"),
        ({"storage_path": "ftp://host/a"}, "must be a folder, s3://bucket/folder or gs://"),
        ({"gpus_per_trial": 0.001}, "must be 0 or at least 0.01"),
        ({"grace_period": 20}, "--grace-period must be at most --max-epochs 9, but is 20"),
        (
            {"grace_period": 2, "scheduler": "none"},
            "--grace-period 2 is not accepted by --scheduler none",
        ),
        (
            {"brackets": 2, "scheduler": "median"},
            "--brackets 2 is not accepted by --scheduler median",
        ),
        (
            {"searcher": "tpe", "scheduler": "pbt"},
            "--searcher tpe cannot be combined with --scheduler pbt",
        ),
        (
            {"reduction_factor": 4, "scheduler": "median"},
            "--reduction-factor 4 is not accepted by --scheduler median",
        ),
        ({"num_samples": 1, "scheduler": "pbt"}, "must be at least 2"),
        ({"perturbation_interval": 9, "scheduler": "pbt"}, "must be less than --max-epochs 9"),
        ({"perturbation_interval": 2}, "--perturbation-interval 2 is not accepted by"),
        (
            {"grace_period": 2, "scheduler": "pbt"},
            "--grace-period 2 is not accepted by --scheduler pbt",
        ),
        (
            {"reduction_factor": 4, "scheduler": "none"},
            "--reduction-factor 4 is not accepted by --scheduler none",
        ),
        ({"scheduler": "ashaa"}, "unknown scheduler 'ashaa' (did you mean 'asha'?)"),
    ],
)
def test_an_incompatible_combination_is_refused(given, words):
    with pytest.raises(UserError) as caught:
        SearchOptions.for_space(load_space("lenet"), **given)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_grid_search_refuses_a_warm_start(tmp_path):
    space = parse_space(
        "description: a grid\nmodel: lenet\n"
        "parameters: {lr: {type: categorical, choices: [0.1, 0.2]}}\n",
        tmp_path / "grid.yaml",
    )
    with pytest.raises(UserError, match=r"--warm-start .*--searcher grid"):
        SearchOptions.for_space(space, searcher="grid", warm_start=tmp_path)
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
    ("given", "words"),
    [
        ({"num_samples": 0}, "num_samples must be at least 1, but is 0"),
        ({"fraction": 1.5}, "fraction must be at most 1, but is 1.5"),
        ({"image_size": 8}, "image_size must be at least 28, but is 8"),
        ({"cpus_per_trial": 0}, "cpus_per_trial must be at least 0.1, but is 0"),
        ({"dataset": "mnits"}, "unknown dataset 'mnits' (did you mean 'mnist'?)"),
        ({"device": "tpu"}, "unknown device 'tpu'"),
        ({"precision": "fp8"}, "unknown precision 'fp8'"),
        ({"seed": -1}, "seed must be at least 0, but is -1"),
        ({"num_samples": 10**9}, "num_samples must be at most"),
        ({"max_epochs": 10**9}, "max_epochs must be at most"),
        ({"fraction": math.nan}, "fraction must be at most 1, but is nan"),
        ({"val_fraction": 0.0}, "val_fraction must be greater than 0, but is 0.0"),
        ({"image_size": 100_000}, "image_size must be at most 1024, but is 100000"),
        ({"time_budget": 0.0}, "time_budget must be greater than 0, but is 0.0"),
        ({"time_budget": math.inf}, "time_budget must be at most 31622400, but is inf"),
        ({"cpus_per_trial": 1e-6}, "cpus_per_trial must be at least 0.1, but is 1e-06"),
        ({"cpus_per_trial": math.inf}, "cpus_per_trial must be a finite number, but is inf"),
        ({"cpus_per_trial": math.nan}, "cpus_per_trial must be a finite number, but is nan"),
        ({"gpus_per_trial": -1.0}, "gpus_per_trial must be at least 0, but is -1.0"),
        ({"gpus_per_trial": math.nan}, "gpus_per_trial must be a finite number, but is nan"),
        (
            {"gpus_per_trial": 1.5},
            "gpus_per_trial must be a whole number or a fraction of one GPU, but is 1.5",
        ),
        ({"max_concurrent": 0}, "max_concurrent must be at least 1, but is 0"),
        ({"final_seeds": -1}, "final_seeds must be at least 0, but is -1"),
        ({"final_epochs": 0}, "final_epochs must be at least 1, but is 0"),
        ({"final_fraction": 1.5}, "final_fraction must be at most 1, but is 1.5"),
    ],
)
def test_an_invalid_option_is_named(given, words):
    with pytest.raises(UserError) as caught:
        SearchOptions.for_space(load_space("lenet"), **given)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


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
