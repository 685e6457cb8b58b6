import dataclasses
import itertools
import math

import numpy as np
import optuna
import pytest
from ray.tune.schedulers import FIFOScheduler, TrialScheduler

from benchmarks.scheduling.curves import CHANCE, Curves, load_curves
from benchmarks.scheduling.methods import METHODS, SearchComponents, Task
from benchmarks.scheduling.metric import differences, learn_weights
from benchmarks.scheduling.record_curves import (
    SPACE as SPACE_FILE,
)
from benchmarks.scheduling.record_curves import (
    draw_configurations,
    train_curve,
    write_table,
)
from benchmarks.scheduling.simulate import Outcome, Setting, World, mean_interval, simulate
from benchmarks.scheduling.simulation import SimulatedSearch
from benchmarks.scheduling.surrogate import imitate
from tune_mnist.tuning.ray_internals.study_search import OpenOptunaSearch
from tune_mnist.tuning.spaces.space import load_space

EPOCHS = 9
SPACE = load_space(str(SPACE_FILE))
ALIKE = np.ones(len(SPACE.parameters))


def make_curves(count=40, diverged=()):
    rng = np.random.default_rng(0)
    final = rng.uniform(0.2, 0.99, count)
    accuracy = final[:, None] * (1 - np.exp(-np.arange(1, EPOCHS + 1) / 2))
    for row in diverged:
        accuracy[row, 2:] = math.nan
    configurations = draw_configurations(SPACE, count, seed=0)
    return Curves(configurations, accuracy, rng.uniform(1, 3, (count, EPOCHS)))


CURVES = make_curves()
WORLDS = {"recorded": World(SPACE, CURVES, ALIKE, (16,))}


def make_task(curves=CURVES, workers=2, seed=0):
    return Task(SPACE, curves.configurations, ALIKE, EPOCHS, workers, num_samples=10, seed=seed)


def study_of(components):
    """Return the study of a method, which Ray's own searcher does not offer."""
    return OpenOptunaSearch.study.fget(components.searcher)


def run(method="random + stopping", curves=CURVES, workers=2, budget=60):
    components = METHODS[method](make_task(curves, workers))
    return SimulatedSearch(curves, components, workers, budget).run()


def without_early_stopping(curves=CURVES):
    components = METHODS["random + stopping"](make_task(curves))
    return SearchComponents(components.searcher, components.sampler, StopAtTheEnd())


class StopAtTheEnd(FIFOScheduler):
    def on_trial_result(self, tune_controller, trial, result):
        ended = result["epoch"] == EPOCHS
        return TrialScheduler.STOP if ended else TrialScheduler.CONTINUE


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("workers", [1, 5])
def test_every_method_spends_its_budget_and_repeats_no_epoch(method, workers):
    events = run(method, workers=workers)
    assert len(events) == 60
    by_row = {}
    for event in events:
        by_row.setdefault(event.row, []).append(event.epoch)
    for epochs in by_row.values():
        assert epochs == list(range(1, len(epochs) + 1))


@pytest.mark.parametrize("method", METHODS)
def test_busy_times_of_workers_add_up(method):
    events = run(method, workers=3)
    for event in events:
        assert event.ended - event.started == pytest.approx(
            CURVES.seconds[event.row, event.epoch - 1]
        )
    for moment in [event.started for event in events]:
        assert sum(e.started <= moment < e.ended for e in events) <= 3
    assert [e.ended for e in events] == sorted(e.ended for e in events)
    total = sum(event.ended - event.started for event in events)
    assert total / 3 <= events[-1].ended < total / 3 + 2 * CURVES.seconds.max()


def test_a_single_worker_is_never_idle():
    events = run("our TPE + promotion", workers=1)
    assert events[0].started == 0
    for before, after in itertools.pairwise(events):
        assert after.started == before.ended


def test_paused_trials_continue_and_stopped_trials_do_not():
    resumed = 0
    for method in ("our TPE + stopping", "our TPE + promotion"):
        ends = {}
        for event in run(method, workers=1):
            if event.epoch > 1 and ends[event.row] != event.started:
                assert method == "our TPE + promotion"
                resumed += 1
            ends[event.row] = event.ended
    assert resumed > 0


def test_without_early_stopping_trials_run_to_the_end():
    events = SimulatedSearch(CURVES, without_early_stopping(), workers=1, budget=3 * EPOCHS).run()
    assert [event.epoch for event in events] == [*range(1, EPOCHS + 1)] * 3


def test_the_search_ends_when_the_table_does():
    few = make_curves(count=4)
    events = SimulatedSearch(few, without_early_stopping(few), workers=3, budget=1000).run()
    assert len(events) == 4 * EPOCHS


@pytest.mark.parametrize("method", METHODS)
def test_a_diverged_trial_ends_and_the_study_knows_it_failed(method):
    curves = make_curves(diverged=range(40))
    components = METHODS[method](make_task(curves))
    events = SimulatedSearch(curves, components, workers=2, budget=60).run()
    diverged = [event.row for event in events if event.epoch == 3]
    assert diverged
    assert max(event.epoch for event in events) == 3
    failed = [
        trial.number
        for trial in study_of(components).trials
        if trial.state == optuna.trial.TrialState.FAIL
    ]
    assert sorted(components.sampler.rows[number] for number in failed) == sorted(diverged)


def test_ray_reports_stopped_trials_as_complete_and_this_project_as_pruned():
    ends = {}
    for method in ("Ray's own TPE + stopping", "our TPE + stopping"):
        components = METHODS[method](make_task())
        SimulatedSearch(CURVES, components, workers=2, budget=60).run()
        ended = [t for t in study_of(components).trials if t.state.is_finished()]
        ends[method] = {(t.state.name, t.last_step == EPOCHS) for t in ended}
    assert "PRUNED" not in {state for state, _ in ends["Ray's own TPE + stopping"]}
    assert ends["our TPE + stopping"] == {("PRUNED", False), ("COMPLETE", True)}


@pytest.mark.parametrize("method", METHODS)
def test_the_study_has_each_configuration_of_the_table_once(method):
    components = METHODS[method](make_task())
    events = SimulatedSearch(CURVES, components, workers=2, budget=60).run()
    rows = components.sampler.rows
    assert len(rows) == len(set(rows))
    assert {event.row for event in events} <= set(rows)
    tried = [trial.params for trial in study_of(components).trials]
    assert tried == [CURVES.configurations[row] for row in rows]


def test_regret_is_0_once_the_best_trial_is_found():
    outcome = simulate(Setting("recorded", 64, 2, "random + stopping", 0), WORLDS)
    assert outcome.tried == 30
    assert outcome.regrets[-1] == 0
    assert outcome.at(0) > 0.5
    assert outcome.at(1e9) == 0


def test_the_same_setting_gives_the_same_search():
    setting = Setting("recorded", 16, 8, "our TPE + promotion", 3)
    one, other = (simulate(setting, WORLDS) for _ in range(2))
    assert np.array_equal(one.times, other.times)
    assert np.array_equal(one.regrets, other.regrets)


def test_regret_is_constant_between_epochs():
    outcome = Outcome(np.array([0.0, 1.0, 2.5]), np.array([0.9, 0.4, 0.1]), 2, 0, 2.5)
    assert [outcome.at(t) for t in (0, 0.99, 1, 2.4, 2.5, 7)] == [0.9, 0.9, 0.4, 0.4, 0.1, 0.1]


def test_the_confidence_interval_shrinks_with_the_sample():
    sample = np.random.default_rng(0).normal(size=400)
    widths = []
    for count in (25, 400):
        mean, low, high = mean_interval(sample[:count])
        assert low < mean < high
        widths.append(high - low)
    assert widths[1] == pytest.approx(widths[0] / 4, rel=0.5)


def test_the_distance_of_configurations_is_relative_to_the_range():
    one = {"lr": 1e-4, "batch_size": 32, "dropout": 0.0, "optimizer": "adam"}

    def differ(**changes):
        found = differences(SPACE, one, one | changes)
        return {n: pytest.approx(d) for n, d in zip(SPACE.parameters, found, strict=True) if d}

    assert differ() == {}
    assert differ(lr=3e-1) == {"lr": 1}
    assert differ(lr=math.sqrt(3e-5)) == {"lr": 0.5}
    assert differ(dropout=0.25, batch_size=64) == {"dropout": 0.5, "batch_size": 1}
    assert differ(optimizer="sgd", momentum=0.9, weight_decay=1e-4) == {"optimizer": 1}


def test_the_decisive_parameter_gets_the_largest_weight():
    configurations = draw_configurations(SPACE, 60, seed=0)
    final = np.array([abs(math.log10(c["lr"]) + 2) / 3 for c in configurations])
    curves = Curves(configurations, np.tile(final[:, None], EPOCHS), np.ones((60, EPOCHS)))
    weights = dict(zip(SPACE.parameters, learn_weights(curves, SPACE), strict=True))
    assert max(weights, key=weights.get) == "lr"
    assert weights["lr"] > 0.5


def test_simulated_curves_resemble_recorded_ones():
    configurations = draw_configurations(SPACE, 60, seed=0)
    final = np.array([0.9 if c["optimizer"] == "adam" else 0.1 for c in configurations])
    recorded = Curves(configurations, np.tile(final[:, None], EPOCHS), np.ones((60, EPOCHS)))
    imitated = imitate(recorded, SPACE, 100, seed=1)
    assert imitated.seconds == pytest.approx(np.ones((100, EPOCHS)))
    for configuration, accuracy in zip(imitated.configurations, imitated.final, strict=True):
        assert (accuracy > 0.5) == (configuration["optimizer"] == "adam")


def test_a_recorded_table_can_be_read(tmp_path):
    configurations = draw_configurations(SPACE, 3, seed=1)
    rows = [
        {"number": n, "epoch": e + 1, "val_accuracy": n / 7 + e / 100, "seconds": 1.5} | config
        for n, config in reversed(list(enumerate(configurations)))
        for e in range(EPOCHS)
    ]
    write_table(tmp_path / "curves.csv.gz", rows, SPACE)
    curves = load_curves(tmp_path / "curves.csv.gz", SPACE)
    assert curves.configurations == configurations
    assert curves.accuracy[2, 3] == 2 / 7 + 3 / 100
    assert curves.seconds.shape == (3, EPOCHS)


def test_more_configurations_extend_the_same_sequence():
    assert draw_configurations(SPACE, 12, seed=0)[:5] == draw_configurations(SPACE, 5, seed=0)


def test_a_curve_is_recorded_until_its_last_epoch_or_divergence(digits_split):
    few = dataclasses.replace(digits_split, train=digits_split.train[:64])
    config = {"lr": 0.01, "batch_size": 32, "dropout": 0.0, "optimizer": "adam"}
    curve = train_curve((7, config), few, seed=0)
    assert [row["epoch"] for row in curve] == list(range(1, EPOCHS + 1))
    assert all(row["number"] == 7 and row["val_accuracy"] > 0 for row in curve)
    assert all(row["seconds"] > 0 for row in curve)
    exploding = train_curve((8, config | {"lr": 1e38, "optimizer": "sgd"}), few, seed=0)
    assert math.isnan(exploding[-1]["val_accuracy"])
    assert len(exploding) == EPOCHS


def test_diverged_epochs_count_as_chance_level():
    assert make_curves(diverged=[0]).final[0] == CHANCE
