"""Effect of a bounded history on TPE: ``python -m benchmarks.tpe_history``.

Runs the project's sampler with the whole history, and with only the best and latest trials
(:mod:`tune_mnist.tuning.searching.history`). Measures the time of a suggestion in studies of
several lengths, and the regret on two functions with known optimum:

- ``lenet``: the shipped LeNet space with its conditions; a smooth accuracy whose best learning
  rate depends on the optimizer;
- ``hartmann6``: six numbers, with six local optima.

The sampler observes noisy values. The regret is computed from the true values; the table has its
mean over the seeds and the standard error of the mean.
"""

import math
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import numpy as np
import optuna
import pandas as pd

from benchmarks.tables import show_and_write
from tune_mnist.command import run
from tune_mnist.tuning.searching.per_trial_sampler import PerTrialSampler
from tune_mnist.tuning.searching.samplers import MAX_STARTUP
from tune_mnist.tuning.searching.tpe import Tpe
from tune_mnist.tuning.spaces.space import SearchSpace, load_space, parse_space

STEM = Path(__file__).with_suffix("")
NOISE = 0.001
UNIT = ("dropout", "momentum", "weight_decay", "label_smoothing", "clip_norm", "ema")
HARTMANN_SPACE = parse_space(
    "description: six numbers\nmodel: lenet\nparameters:\n"
    "  lr: {type: categorical, choices: [0.1]}\n"
    + "".join(f"  {name}: {{type: float, low: 0.0, high: 0.99}}\n" for name in UNIT),
    Path("hartmann6.yaml"),
)
_ALPHA = np.array([1.0, 1.2, 3.0, 3.2])
_A = np.array(
    [
        [10, 3, 17, 3.5, 1.7, 8],
        [0.05, 10, 17, 0.1, 8, 14],
        [3, 3.5, 1.7, 10, 17, 8],
        [17, 8, 0.05, 10, 0.1, 14],
    ]
)
_P = 1e-4 * np.array(
    [
        [1312, 1696, 5569, 124, 8283, 5886],
        [2329, 4135, 8307, 3736, 1004, 9991],
        [2348, 1451, 3522, 2883, 3047, 6650],
        [4047, 8828, 8732, 5743, 1091, 381],
    ]
)
BEST_LR = {"sgd": -1.0, "adam": -2.4, "adamw": -2.4, "rmsprop": -3.0}


@dataclass(frozen=True)
class Function:
    """Function to maximise.

    Attributes:
        space: Search space.
        value: Function that returns the true value of a configuration.
        optimum: Maximum of the true value.
    """

    space: SearchSpace
    value: Callable[[dict[str, Any]], float]
    optimum: float


def lenet_accuracy(parameters: dict[str, Any]) -> float:
    """Return a made-up accuracy, at most 0.99."""
    optimizer = parameters["optimizer"]
    wanted = BEST_LR[optimizer] - 0.8 * parameters.get("momentum", 0.0)
    loss = 0.05 * (math.log10(parameters["lr"]) - wanted) ** 2
    loss += 0.02 * parameters["dropout"] + 0.002 * (parameters["lr_schedule"] == "constant")
    loss += 0.002 * (math.log2(parameters["batch_size"] / 64)) ** 2
    loss += {"adam": 0.0, "adamw": 0.001, "rmsprop": 0.004, "sgd": 0.002}[optimizer]
    return float(max(0.1, 0.99 - loss))


def hartmann6(parameters: dict[str, Any]) -> float:
    """Return the six-dimensional Hartmann function, negated so that it is to be maximised."""
    point = np.array([parameters[name] for name in UNIT])
    return float(_ALPHA @ np.exp(-(_A * (point - _P) ** 2).sum(axis=1)))


FUNCTIONS = {
    "lenet": Function(load_space("lenet"), lenet_accuracy, 0.99),
    "hartmann6": Function(HARTMANN_SPACE, hartmann6, 3.32237),
}


class UnboundedTpe(Tpe):
    """TPE that sees all trials."""

    bounded_history = False


def sampler(space: SearchSpace, seed: int, *, bounded: bool) -> PerTrialSampler:
    """Return the TPE sampler that searches use.

    Args:
        space: Search space.
        seed: Seed of the search.
        bounded: Whether the sampler sees only the best and latest trials.
    """
    searcher = Tpe if bounded else UnboundedTpe
    return PerTrialSampler(searcher(space, MAX_STARTUP, seed), chance_level=0.0)


def regrets(function: Function, trials: int, seed: int, *, bounded: bool) -> list[float]:
    """Return the regret of the configuration with the best observation, after each trial."""
    rng = np.random.default_rng(seed)
    drawn_by = sampler(function.space, seed, bounded=bounded)
    study = optuna.create_study(sampler=drawn_by, direction="maximize")
    best, found = -math.inf, []
    regret = math.inf
    for _ in range(trials):
        trial = study.ask()
        function.space.sample(trial)
        true = function.value(trial.params)
        observed = true + NOISE * float(rng.standard_normal())
        if observed > best:
            best, regret = observed, function.optimum - true
        study.tell(trial, observed)
        found.append(regret)
    return found


def suggestion_seconds(trials: int, *, bounded: bool, repeats: int = 10) -> float:
    """Return the median time in seconds of a suggestion in a study with a number of trials."""
    function = FUNCTIONS["lenet"]
    study = optuna.create_study(
        sampler=optuna.samplers.RandomSampler(seed=0), direction="maximize"
    )
    for _ in range(trials):
        trial = study.ask()
        function.space.sample(trial)
        study.tell(trial, function.value(trial.params))
    study.sampler = sampler(function.space, 0, bounded=bounded)
    seconds = []
    for _ in range(repeats + 1):
        start = time.process_time()
        trial = study.ask()
        function.space.sample(trial)
        seconds.append(time.process_time() - start)
        study.tell(trial, function.value(trial.params))
    return float(np.median(seconds[1:]))


@click.command()
@click.option("--trials", default=600, show_default=True)
@click.option("--seeds", default=4, show_default=True)
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    default=STEM,
    help="Output path without extension.",
)
def main(trials: int, seeds: int, output: Path) -> None:
    """Compare TPE with bounded history and TPE with the whole history."""
    warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    rows: list[dict[str, Any]] = []
    for bounded in (True, False):
        history = "bounded" if bounded else "whole"
        for length in (100, 1000, 5000):
            seconds = suggestion_seconds(length, bounded=bounded)
            rows.append({"history": history, "what": f"seconds at {length}", "mean": seconds})
            click.echo(rows[-1])
        for name, function in FUNCTIONS.items():
            runs = [regrets(function, trials, seed, bounded=bounded) for seed in range(seeds)]
            for at in (trials // 2, trials):
                values = np.array([run[at - 1] for run in runs])
                error = values.std(ddof=1) / math.sqrt(seeds)
                what = f"regret of {name} after {at}"
                rows.append(
                    {"history": history, "what": what, "mean": values.mean(), "error": error}
                )
                click.echo(rows[-1])
    frame = pd.DataFrame(rows).round(5)
    show_and_write(frame, output, f"TPE with a bounded history, {seeds} seeds")


if __name__ == "__main__":
    run(main)
