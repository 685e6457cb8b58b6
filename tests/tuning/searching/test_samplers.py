"""Samplers on Optuna studies: suggestions, reproducibility and resuming."""

from pathlib import Path

import optuna
import pytest
from optuna.trial import TrialState

from tests.messages import assert_refused
from tests.tuning.studies import study_in
from tune_mnist.tuning.searching.grid import Grid
from tune_mnist.tuning.searching.registry import SEARCHERS, searcher_class
from tune_mnist.tuning.searching.samplers import create_sampler
from tune_mnist.tuning.spaces.space import load_space, parse_space

STEPS = """
description: two numbers with steps
model: lenet
parameters:
  lr: {type: float, low: 0.1, high: 0.4, step: 0.1}
  dropout: {type: float, low: 0.0, high: 0.2, step: 0.1}
"""


def space_of(text: str = STEPS):
    return parse_space(text, Path("steps.yaml"))


def draw(name: str, space, count: int, study=None) -> list[dict]:
    """Suggest and evaluate trials whose value increases with the learning rate."""
    sampler = create_sampler(name, space, 12, seed=3, chance_level=0.2)
    study = study or optuna.create_study(sampler=sampler, direction="maximize")
    study.sampler = sampler
    drawn = []
    for _ in range(count):
        trial = study.ask()
        space.sample(trial)
        study.tell(trial, trial.params["lr"])
        drawn.append(trial.params)
    return drawn


@pytest.mark.parametrize("name", SEARCHERS)
def test_every_searcher_is_reproducible_and_resumes(name):
    space = space_of()
    straight = draw(name, space, 12)
    assert draw(name, space, 12) == straight
    study = optuna.create_study(direction="maximize")
    # A new sampler halfway, as in a resumed search.
    assert draw(name, space, 5, study) + draw(name, space, 7, study) == straight


def test_no_pickle_of_a_study_is_read_or_written(tmp_path):
    """Optuna's CMA-ES stores its state in the study, pickled under this key."""
    trap = b"cos\nmkdir\n(V%s\ntR." % str(tmp_path / "trapped").encode()
    space = space_of(STEPS.replace(", step: 0.1", ""))
    study = optuna.create_study(direction="maximize")
    draw("cmaes", space, 12, study)
    for trial in study.get_trials(deepcopy=False):
        assert not [key for key in trial.system_attrs if "optimizer" in key]
        trial.system_attrs["cma:optimizer:0"] = trap.hex()
    draw("cmaes", space, 12, study)
    assert not (tmp_path / "trapped").exists()


def test_a_grid_suggests_every_combination_once():
    space = space_of()
    assert Grid.count(space) == 12
    drawn = draw("grid", space, 12)
    assert len({tuple(sorted(parameters.items())) for parameters in drawn}) == 12


@pytest.mark.parametrize("name", [name for name in SEARCHERS if name != "grid"])
def test_architectures_alternate_after_queued_configurations(name):
    space = load_space("all")
    sampler = create_sampler(name, space, 16, seed=1, chance_level=0.2)
    study = optuna.create_study(sampler=sampler, direction="maximize")
    for _ in range(2):
        study.enqueue_trial({"model": "vggnet"})
    models = []
    for number in range(12):
        trial = study.ask()
        space.sample(trial)
        models.append(trial.params["model"])
        # An architecture that is far better than the others must not get their trials.
        study.tell(trial, 0.9 if models[-1] == "resnet" else 0.3 + number / 100)
    assert models[:2] == ["vggnet", "vggnet"]
    assert {model: models.count(model) for model in space.models} == dict.fromkeys(space.models, 3)


def test_qmc_covers_conditional_parameters_without_repetition():
    conditional = (
        "  optimizer: {type: categorical, choices: [sgd, rmsprop, adam, adamw]}\n"
        "  momentum: {type: float, low: 0.0, high: 0.99, when: {optimizer: [sgd, rmsprop]}}\n"
    )
    space = space_of(STEPS.replace(", step: 0.1", "") + conditional)
    drawn = draw("qmc", space, 64)
    momenta = [parameters["momentum"] for parameters in drawn if "momentum" in parameters]
    assert len(set(momenta)) == len(momenta) > 16
    thirds = [sum(low <= value < low + 0.33 for value in momenta) for low in (0, 0.33, 0.66)]
    assert min(thirds) > len(momenta) / 6
    assert len({tuple(sorted(parameters.items())) for parameters in drawn}) == 64


def test_gp_suggests_different_points_to_concurrent_workers():
    space = space_of(STEPS.replace(", step: 0.1", ""))
    sampler = create_sampler("gp", space, 24, seed=3, chance_level=0.2)
    study = optuna.create_study(sampler=sampler, direction="maximize")
    for _ in range(10):
        trial = study.ask()
        space.sample(trial)
        study.tell(trial, 0.3 + trial.params["lr"])
    running = [study.ask() for _ in range(4)]
    for trial in running:
        space.sample(trial)
        trial.report(0.5, 1)
    points = {(round(t.params["lr"], 4), round(t.params["dropout"], 4)) for t in running}
    assert len(points) == 4


@pytest.mark.parametrize("name", ["tpe", "gp", "cmaes"])
def test_a_model_finds_better_trials_than_random_search(name):
    text = STEPS.replace(", step: 0.1", "")
    later = [parameters["lr"] for parameters in draw(name, space_of(text), 30)[20:]]
    by_chance = [parameters["lr"] for parameters in draw("random", space_of(text), 30)[20:]]
    assert sum(later) > sum(by_chance)


@pytest.mark.parametrize(
    ("name", "facts"),
    [("tpee", "searcher 'tpee' 'tpe'"), ("grid", "--searcher grid 'lr' lenet")],
)
def test_a_searcher_refuses_a_space_that_it_cannot_search(name, facts):
    assert_refused(facts, lambda: searcher_class(name).check_space(load_space("lenet")))


def test_a_grid_refuses_conditions():
    text = STEPS + (
        "  optimizer: {type: categorical, choices: [sgd, adam]}\n"
        "  momentum: {type: categorical, choices: [0.0, 0.9], when: {optimizer: sgd}}\n"
    )
    assert_refused(
        "--searcher grid 'momentum'", searcher_class("grid").check_space, space_of(text)
    )


def test_a_grid_that_is_too_large_is_refused():
    batches = "  batch_size: {type: int, low: 1, high: 65536}\n"
    momenta = "  momentum: {type: float, low: 0, high: 0.99, step: 1.0e-5}\n"
    space = space_of(STEPS + batches + momenta)
    assert_refused("--searcher grid 1,000,000", searcher_class("grid").check_space, space)


def test_cmaes_refuses_a_space_without_numbers():
    text = (
        "description: categories\nmodel: lenet\n"
        "parameters: {lr: {type: categorical, choices: [0.1, 0.2]}}\n"
    )
    assert_refused("--searcher cmaes 2", searcher_class("cmaes").check_space, space_of(text))


def rates_drawn_beside_running_trials(directory: Path, *, reporting: bool) -> list[float]:
    """Start 30 trials that never end, then 20 more; return the learning rates of the latter."""
    space = space_of(STEPS.replace(", step: 0.1", ""))
    sampler = create_sampler("tpe", space, 12, seed=0, chance_level=0.2)
    study = study_in(directory, sampler=sampler)
    for _ in range(50):
        trial = study.ask()
        space.sample(trial)
        if reporting:
            trial.report(trial.params["lr"], step=1)
    assert {trial.state for trial in study.trials} == {TrialState.RUNNING}
    return [trial.params["lr"] for trial in study.trials[30:]]


def test_the_sampler_learns_from_running_trials(tmp_path):
    learned = rates_drawn_beside_running_trials(tmp_path / "reported", reporting=True)
    by_chance = rates_drawn_beside_running_trials(tmp_path / "silent", reporting=False)
    assert sum(learned) / 20 > sum(by_chance) / 20 + 0.03


@pytest.mark.parametrize("name", ["tpe", "gp", "cmaes"])
def test_no_model_is_fitted_to_trials_at_chance_level(name):
    """At chance level, accuracies differ only by the sizes of the classes."""
    space = space_of(STEPS.replace(", step: 0.1", ""))

    def draws(searcher: str, learned: float) -> list[dict]:
        sampler = create_sampler(searcher, space, 12, seed=3, chance_level=0.2)
        study = optuna.create_study(sampler=sampler, direction="maximize")
        drawn = []
        for number in range(14):
            trial = study.ask()
            space.sample(trial)
            guessed = 0.1123 if trial.params["lr"] < 0.2 else 0.0992
            study.tell(trial, learned if number == 10 else guessed)
            drawn.append(trial.params)
        return drawn

    by_chance = draws("random", 0.1)
    assert draws(name, 0.1) == by_chance
    assert draws(name, 0.9)[:11] == by_chance[:11]
    assert draws(name, 0.9)[11:] != by_chance[11:]


DRAWING = [name for name in SEARCHERS if name not in ("grid", "gp")]
"""Searchers for the test of repetitions; gp uses the same code as tpe, and needs seconds each."""


def key_of(parameters: dict) -> tuple:
    return tuple((name, round(value, 6)) for name, value in sorted(parameters.items()))


@pytest.mark.parametrize("name", DRAWING)
def test_no_configuration_is_suggested_twice_while_others_remain(name):
    """In a space of twelve configurations; a new sampler, as in a resumed search, counts them."""
    space = space_of()
    study = optuna.create_study(direction="maximize")
    study.enqueue_trial({"lr": 0.2})
    drawn = draw(name, space, 6, study)
    assert create_sampler(name, space, 12, 3, 0.2).count_untried(study) == 6
    drawn += draw(name, space, 6, study)
    assert len(set(map(key_of, drawn))) == 12
    assert create_sampler(name, space, 12, 3, 0.2).count_untried(study) == 0


def test_a_queued_configuration_that_was_tried_is_replaced():
    space = space_of()
    study = optuna.create_study(direction="maximize")
    tried = draw("tpe", space, 2, study)
    study.enqueue_trial(tried[0])
    (drawn,) = draw("tpe", space, 1, study)
    assert drawn not in tried


def test_an_exhausted_architecture_is_skipped():
    text = (
        "description: one of three\n"
        "model: {type: categorical, choices: [lenet, resnet]}\n"
        "parameters:\n"
        "  lr: {type: categorical, choices: [0.1, 0.2]}\n"
        "  dropout: {type: categorical, choices: [0.1, 0.2, 0.3], when: {model: resnet}}\n"
    )
    drawn = draw("random", space_of(text), 8)
    models = [parameters["model"] for parameters in drawn]
    assert models == ["lenet", "resnet", "lenet", "resnet", *["resnet"] * 4]
    assert len({tuple(sorted(parameters.items())) for parameters in drawn}) == 8


def test_an_exhausted_architecture_is_skipped_beside_a_continuous_one():
    space = space_of(
        "description: one of two\n"
        "model: {type: categorical, choices: [lenet, resnet]}\n"
        "parameters:\n"
        "  lr: {type: categorical, choices: [0.1, 0.2]}\n"
        "  dropout: {type: float, low: 0.1, high: 0.3, when: {model: resnet}}\n"
    )
    study = optuna.create_study(direction="maximize")
    study.enqueue_trial({"model": "lenet", "lr": 0.2})
    drawn = draw("random", space, 5, study)
    study.enqueue_trial({"model": "lenet", "lr": 0.2})  # no longer untried
    drawn += draw("random", space, 2, study)
    models = [parameters["model"] for parameters in drawn]
    assert models == ["lenet", "resnet", "lenet", "resnet", *["resnet"] * 3]
    assert len({tuple(sorted(parameters.items())) for parameters in drawn}) == 7
    assert create_sampler("random", space, 12, 3, 0.2).count_untried(study) is None


@pytest.mark.parametrize("directions", [["maximize"], ["maximize", "minimize"]])
def test_tpe_avoids_regions_of_diverged_trials(directions):
    """Half of the range diverges after a good epoch; Optuna itself ignores failed trials."""
    space = space_of(STEPS.replace(", step: 0.1", ""))

    def diverging(*, told: bool) -> int:
        sampler = create_sampler("tpe", space, 12, seed=5, chance_level=0.2)
        study = optuna.create_study(sampler=sampler, directions=directions)
        later = 0
        for number in range(40):
            trial = study.ask()
            space.sample(trial)
            bad = trial.params["lr"] > 0.25
            later += bad and number >= 20
            if bad:
                if len(directions) == 1:
                    trial.report(0.6, step=1)
                trial.set_user_attr("diverged", told)
                study.tell(trial, state=TrialState.FAIL)
            else:
                study.tell(trial, [0.5 + trial.params["lr"], 1.0][: len(directions)])
        return later

    assert diverging(told=True) < diverging(told=False)


def test_gp_treats_a_diverged_trial_as_the_worst():
    space = space_of(STEPS.replace(", step: 0.1", ""))
    sampler = create_sampler("gp", space, 24, seed=3, chance_level=0.2)
    study = optuna.create_study(sampler=sampler, direction="maximize")
    for number in range(10):
        trial = study.ask()
        space.sample(trial)
        if trial.params["lr"] > 0.25:
            trial.set_user_attr("diverged", True)
            study.tell(trial, state=TrialState.FAIL)
        else:
            study.tell(trial, 0.3 + trial.params["lr"] + number / 1000)
    following = study.ask()
    space.sample(following)
    assert following.params["lr"] < 0.3
