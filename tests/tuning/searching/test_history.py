"""Bounded history: a sampler sees the best and the latest trials of a long study."""

import random

import optuna
import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution
from optuna.trial import TrialState

from tune_mnist.tuning.searching.history import BoundedHistory

LR = FloatDistribution(0, 1)


def study_of(count: int, directions: list[str], models: tuple[str, ...] = ()) -> optuna.Study:
    study = optuna.create_study(directions=directions)
    for number in range(count):
        parameters, distributions = {"lr": number / count}, {"lr": LR}
        if models:
            parameters["model"] = models[number % len(models)]
            distributions["model"] = CategoricalDistribution(models)
        # Every third trial was pruned; values decrease.
        pruned = number % 3 == 0 and len(directions) == 1
        study.add_trial(
            optuna.trial.create_trial(
                state=TrialState.PRUNED if pruned else TrialState.COMPLETE,
                values=None if pruned else [1 - number / count] * len(directions),
                params=parameters,
                distributions=distributions,
                intermediate_values={1: 1 - number / count} if pruned else {},
            )
        )
    return study


def shown(study: optuna.Study, model: str | None = None, **sizes: int) -> list[int]:
    history = BoundedHistory(study.directions, **sizes)
    return [trial.number for trial in history.select(study, model)]


def test_the_best_and_the_latest_are_shown():
    assert shown(study_of(60, ["maximize"]), best=4, latest=5) == [1, 2, 4, 5, *range(55, 60)]


def test_a_short_study_is_shown_whole():
    assert shown(study_of(20, ["maximize"])) == list(range(20))


def test_trials_of_several_objectives_are_shown_if_none_dominates_them():
    study = study_of(30, ["maximize", "maximize"])
    assert shown(study, best=4, latest=2) == [0, 28, 29]


def test_each_architecture_has_its_own_best_and_latest():
    study = study_of(60, ["maximize"], ("lenet", "resnet"))
    assert shown(study, "resnet", best=2, latest=2) == [1, 5, 57, 59]


@pytest.mark.parametrize("seed", range(3))
def test_the_order_of_ended_trials_does_not_matter(seed):
    study = optuna.create_study(direction="maximize")
    trials = [study.ask({"lr": LR}) for _ in range(40)]
    growing = BoundedHistory(study.directions, best=5, latest=6)
    order = random.Random(seed).sample(trials, len(trials))  # noqa: S311
    for trial in order:
        study.tell(trial, trial.params["lr"])
        growing.select(study, None)
    running = study.ask({"lr": LR})
    numbers = [trial.number for trial in growing.select(study, None)]
    assert numbers == shown(study, best=5, latest=6)
    assert numbers[-1] == running.number


def test_paused_trials_with_results_are_selected_like_ended_trials():
    study = optuna.create_study(direction="maximize")
    for number in range(30):
        study.ask({"lr": LR}).report(1 - number / 30, 1)
    started = study.ask({"lr": LR})
    history = BoundedHistory(study.directions, best=2, latest=3)
    for ended in (1, 5, 28):
        numbers = [trial.number for trial in history.select(study, None)]
        assert numbers == [0, 1, 27, 28, 29, started.number]
        study.tell(ended, state=TrialState.PRUNED)


def test_a_diverged_trial_is_among_the_latest_and_not_among_the_best():
    study = study_of(10, ["maximize"])
    for diverged in (True, False):
        trial = study.ask({"lr": LR})
        trial.report(0.99, 9)
        trial.set_user_attr("diverged", diverged)
        study.tell(trial, state=TrialState.FAIL)
    assert shown(study, best=2, latest=1) == [1, 2, 10]
