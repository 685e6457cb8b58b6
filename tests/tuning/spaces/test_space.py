"""Loading, validation and sampling of search spaces."""

from pathlib import Path

import optuna
import pytest

from tests.messages import assert_refused
from tune_mnist.training import TrainConfig
from tune_mnist.training.schedules import SCHEDULES
from tune_mnist.tuning.options.search_options import SearchOptions
from tune_mnist.tuning.spaces.space import load_space, shipped_spaces

SEARCHED = ("lenet", "alexnet", "resnet", "vggnet", "all")
GRIDS = ("lab-report", "lab-report-lenet")
SHIPPED = tuple(sorted(file.stem for file in shipped_spaces().glob("*.yaml")))
TOP = "description: d\nmodel: resnet\nparameters:\n"
LR = "  lr: {type: float, low: 1.0e-4, high: 1.0e-1, log: true}\n"
OPTIMIZER = "  optimizer: {type: categorical, choices: [sgd, adam]}\n"
MOMENTUM = "  momentum: {type: float, low: 0.0, high: 0.9, when: {optimizer: sgd}}\n"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "mine.yaml"


def test_a_missing_file_is_refused_with_the_place_of_the_shipped_spaces(path: Path):
    assert_refused(f"{path} {shipped_spaces()}", load_space, str(path))


def refuses(path: Path, facts: str, content: str) -> None:
    path.write_text(content)
    assert_refused(f"{path} {facts}", load_space, str(path))


def draw(space, count, seed=0):
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed))
    for baseline in space.baselines:
        study.enqueue_trial(baseline)
    for _ in range(count):
        trial = study.ask()
        fixed = space.sample(trial)
        yield trial.params | fixed


@pytest.mark.parametrize("name", SHIPPED)
def test_configurations_of_a_shipped_space_can_be_trained(name):
    space = load_space(name)
    assert space.description
    drawn = [TrainConfig.checked(**config) for config in draw(space, 50)]
    assert {config.model for config in drawn} <= set(space.models)
    assert len({config.lr for config in drawn}) > (1 if name in GRIDS else 40)


@pytest.mark.parametrize("name", GRIDS)
def test_spaces_of_the_lab_report_can_be_enumerated(name):
    space = load_space(name)
    options = SearchOptions.for_space(space, searcher="grid", scheduler="none")
    assert options.num_samples == 4 * len(space.models)


@pytest.mark.parametrize("name", SEARCHED)
def test_baselines_of_a_shipped_space_are_tried_first(name):
    space = load_space(name)
    assert space.baselines
    first = list(draw(space, len(space.baselines)))
    for baseline, config in zip(space.baselines, first, strict=True):
        assert baseline.items() <= config.items()


@pytest.mark.parametrize("name", SEARCHED)
def test_default_spaces_search_every_schedule(name):
    assert {config["lr_schedule"] for config in draw(load_space(name), 50)} == set(SCHEDULES)


@pytest.mark.parametrize("name", SHIPPED)
def test_the_defaults_of_a_shipped_space_are_options(name):
    SearchOptions.for_space(load_space(name))


def test_a_parameter_is_sampled_only_if_its_condition_holds():
    drawn = list(draw(load_space("resnet"), 100))
    for config in drawn:
        assert ("momentum" in config) == (config["optimizer"] == "sgd")
        assert ("weight_decay" in config) == (config["optimizer"] in ("sgd", "adamw"))
    assert len({"momentum" in config for config in drawn}) == 2


def test_nested_conditions_hold_in_any_order(path):
    path.write_text(
        "description: d\nmodel: {type: categorical, choices: [lenet, resnet]}\nparameters:\n"
        "  dropout: {type: float, low: 0.0, high: 0.5, when: {batch_size: [32, 33]}}\n"
        "  batch_size: {type: int, low: 32, high: 35, when: {model: resnet}}\n" + LR
    )
    drawn = list(draw(load_space(str(path)), 100))
    for config in drawn:
        assert ("batch_size" in config) == (config["model"] == "resnet")
        assert ("dropout" in config) == (config.get("batch_size") in (32, 33))
    assert any("dropout" in config for config in drawn)


def test_values_are_within_bounds_and_on_steps(path):
    path.write_text(
        TOP + LR + "  dropout: {type: float, low: 0.0, high: 0.3, step: 0.1}\n"
        "  batch_size: {type: int, low: 32, high: 96, step: 32}\n"
    )
    drawn = list(draw(load_space(str(path)), 50))
    assert {round(config["dropout"], 6) for config in drawn} == {0.0, 0.1, 0.2, 0.3}
    assert {config["batch_size"] for config in drawn} == {32, 64, 96}
    assert all(1e-4 <= config["lr"] <= 1e-1 for config in drawn)


def test_a_user_space_is_loaded_by_path(path):
    path.write_text(TOP + LR)
    space = load_space(str(path))
    assert (space.name, space.models, space.parameter_names) == ("mine", ("resnet",), ("lr",))
    assert space.text == path.read_text()


@pytest.mark.parametrize(
    ("name", "facts"),
    [
        ("resnett", "'resnett' 'resnet'"),
        ("", "YAML"),
        ("fashion", "'resnet-fashion'"),
        ("mnist", "alexnet all lenet resnet vggnet"),
        ("lenet.yaml", "lenet.yaml 'lenet'"),
        ("missing.yaml", "missing.yaml"),
        ("folder/resnet", "folder/resnet"),
    ],
)
def test_an_unknown_space_is_refused(name, facts):
    assert_refused(facts, load_space, name)


def test_an_empty_space_is_refused(path):
    refuses(path, "parameters", "description: d\nmodel: lenet\nparameters: {}\n")


@pytest.mark.parametrize(
    ("parameters", "facts"),
    [
        (LR + "  lrr: {type: float, low: 0, high: 1}\n", "'lrr' 'lr' dropout"),
        (LR + "  model: {type: categorical, choices: [lenet]}\n", "'model' dropout"),
        (OPTIMIZER, "parameters 'lr'"),
        (LR.replace("}", ", when: {optimizer: sgd}}") + OPTIMIZER, "lr.when"),
        (LR.replace("1.0e-4", "0.0").replace(", log: true", ""), "parameters.lr 0 0.0"),
        ("  lr: {type: categorical, choices: ['0.1']}\n", "parameters.lr '0.1'"),
        ("  lr: {type: categorical, choices: [true]}\n", "parameters.lr True"),
        (LR + "  batch_size: {type: float, low: 1, high: 9}\n", "parameters.batch_size"),
        (LR + "  dropout: {type: float, low: 0, high: 1}\n", "parameters.dropout 1 1.0"),
        (LR + OPTIMIZER.replace("adam", "adm"), "optimizer 'adm' 'adam'"),
    ],
)
def test_parameters_that_cannot_be_trained_are_refused(path, parameters, facts):
    refuses(path, facts, TOP + parameters)


@pytest.mark.parametrize(
    ("model", "facts"),
    [
        ("resnett", "model 'resnett' 'resnet'"),
        ("{type: categorical, choices: [lenet, resnett]}", "model 'resnett' 'resnet'"),
        ("{type: categorical, choices: [lenet], when: {optimizer: sgd}}", "model.when"),
    ],
)
def test_an_unknown_or_conditional_model_is_refused(path, model, facts):
    refuses(path, facts, f"description: d\nmodel: {model}\nparameters:\n{LR}{OPTIMIZER}")


@pytest.mark.parametrize(
    ("when", "facts"),
    [
        ("{optimiser: sgd}", "momentum.when 'optimiser' 'optimizer'"),
        ("{optimizer: sgdd}", "momentum.when.optimizer 'sgdd' sgd adam"),
        ("{optimizer: [sgd, adm]}", "momentum.when.optimizer 'adm' 'adam'"),
        ("{optimizer: []}", "momentum.when.optimizer"),
        ("{lr: 0.01}", "momentum.when.lr 0.0001 0.1"),
    ],
)
def test_a_condition_that_can_never_hold_is_refused(path, when, facts):
    momentum = MOMENTUM.replace("{optimizer: sgd}", when)
    refuses(path, facts, TOP + LR + OPTIMIZER + momentum)


def test_cyclic_conditions_are_refused(path):
    content = (
        TOP + LR + "  batch_size: {type: int, low: 8, high: 9, when: {optimizer: sgd}}\n"
        "  optimizer: {type: categorical, choices: [sgd, adam], when: {batch_size: 8}}\n"
    )
    refuses(path, "batch_size optimizer 'when'", content)


@pytest.mark.parametrize(
    ("baseline", "facts"),
    [
        ("{lrr: 0.01}", "baselines[2] 'lrr' 'lr'"),
        ("{lr: 1}", "baselines[2].lr 0.0001 0.1"),
        ("{lr: fast}", "baselines[2].lr 'fast'"),
        ("{optimizer: adamw}", "baselines[2].optimizer 'adamw' adam"),
        ("{optimizer: adam, momentum: 0.5}", "baselines[2].momentum optimizer sgd"),
        ("{momentum: 0.5}", "baselines[2].momentum optimizer sgd"),
        ("{model: resnet}", "baselines[2] 'model'"),
    ],
)
def test_a_baseline_outside_the_space_is_refused(path, baseline, facts):
    baselines = f"baselines:\n  - {{lr: 0.01}}\n  - {baseline}\n"
    refuses(path, facts, TOP + LR + OPTIMIZER + MOMENTUM + baselines)
