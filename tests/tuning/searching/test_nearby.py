"""Draws close to a configuration."""

import optuna
import pytest

from tune_mnist.tuning.searching.nearby import NearbySampler

CENTER = {"lr": 0.01, "width": 16, "step": 0.3, "optimizer": "adam"}


def draw(width, seed):
    study = optuna.create_study(sampler=NearbySampler(CENTER, width, seed))
    trial = study.ask()
    return {
        "lr": trial.suggest_float("lr", 1e-4, 1e-1, log=True),
        "width": trial.suggest_int("width", 4, 64, step=4),
        "step": trial.suggest_float("step", 0.1, 0.5, step=0.1),
        "optimizer": trial.suggest_categorical("optimizer", ["sgd", "adam"]),
        "dropout": trial.suggest_float("dropout", 0.0, 0.5),
    }


def test_values_are_close_and_on_their_steps():
    drawn = [draw(0.05, seed) for seed in range(30)]
    assert all(0.002 < each["lr"] < 0.05 for each in drawn)
    assert len({each["lr"] for each in drawn}) == 30
    assert all(each["width"] % 4 == 0 and abs(each["width"] - 16) <= 12 for each in drawn)
    assert all(round(each["step"], 10) in (0.2, 0.3, 0.4) for each in drawn)
    assert sum(each["optimizer"] == "adam" for each in drawn) > 20
    assert max(each["dropout"] for each in drawn) > 0.25  # it has no value to be close to


@pytest.mark.parametrize("width", [0.05, 1.0])
def test_values_stay_in_their_range(width):
    for seed in range(30):
        drawn = draw(width, seed)
        assert 1e-4 <= drawn["lr"] <= 1e-1
        assert 4 <= drawn["width"] <= 64
        assert 0.1 <= drawn["step"] <= 0.5


def test_draws_are_reproducible():
    assert draw(0.1, 7) == draw(0.1, 7)
