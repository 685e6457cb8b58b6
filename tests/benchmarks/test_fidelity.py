"""Evaluation of the measurements of cheaper fidelities."""

import json
import math

import pandas as pd

from benchmarks.fidelity.rank_correlation import DIVERGED, Level, correlations
from benchmarks.fidelity.versus import compare, epochs_of, staged_space
from tests.messages import assert_refused
from tune_mnist.tuning.spaces.space import load_space, parse_space


def test_a_fidelity_is_parsed_as_size_and_fraction():
    assert Level.parse("64:0.1") == Level(64, 0.1)
    assert_refused("'64'", Level.parse, "64")


def test_an_invalid_stage_is_refused():
    assert_refused("--stage 2", staged_space, "description: d", ("2",))


def level(size, seconds, *accuracies):
    return pd.DataFrame(
        {
            "model": "resnet",
            "config": range(len(accuracies)),
            "image_size": size,
            "fraction": 0.1,
            "epoch": 1,
            "val_accuracy": accuracies,
            "seconds": seconds,
        }
    )


def test_rank_correlations_count_a_diverged_trial_as_the_worst():
    rows = pd.concat(
        [
            level(28, 1.0, 0.5, 0.6, 0.7, DIVERGED),
            level(64, 2.0, 0.7, 0.6, 0.5, 0.9),
            level(112, 8.0, 0.90, 0.98, 0.99, DIVERGED),
        ]
    )
    found = correlations(rows, Level(112, 0.1)).set_index("image_size")
    assert found["spearman"].round(6).to_dict() == {28: 1.0, 64: -1.0, 112: 1.0}
    assert found["best_quarter_found"].to_dict() == {28: 1.0, 64: 0.0, 112: 1.0}
    assert found["share_of_time"].to_dict() == {28: 0.125, 64: 0.25, 112: 1.0}


def test_stages_are_added_to_a_space():
    plain = load_space("resnet")
    space = parse_space(staged_space(plain.text, ("2:28:0.1", "4:64")), plain.path)
    assert [(s.epochs, s.image_size, s.fraction) for s in space.fidelity] == [
        (2, 28, 0.1),
        (4, 64, None),
    ]
    assert space.parameters == plain.parameters


def test_epochs_are_read_once_in_the_order_of_time(tmp_path):
    folder = tmp_path / "ray" / "00003-a"
    folder.mkdir(parents=True)
    lines = [
        {"epoch": 1, "val_accuracy": 0.5, "timestamp": 1010, "epoch_seconds": 2.0, "stage": 1},
        {"epoch": 1, "val_accuracy": 0.5, "timestamp": 1030, "epoch_seconds": 2.0, "stage": 1},
        {"epoch": 2, "val_accuracy": 0.7, "timestamp": 1032, "epoch_seconds": 2.0, "stage": 2},
        {"reason": "diverged", "timestamp": 1040},
    ]
    (folder / "result.json").write_text("".join(json.dumps(line) + "\n" for line in lines))
    found = epochs_of(tmp_path, started=1000.5)
    assert list(found["seconds"]) == [9.5, 31.5]
    assert list(found["stage"]) == [1, 2]
    assert set(found["trial"]) == {3}


def search(kind, seed, *epochs):
    """Return the rows of a search whose epochs are given as (stage, val_accuracy, seconds)."""
    columns = ("stage", "val_accuracy", "seconds")
    return pd.DataFrame(epochs, columns=columns).assign(kind=kind, seed=seed)


def test_only_accuracies_of_the_last_stage_are_compared():
    rows = pd.concat(
        [
            search("plain", 0, (0, 0.9, 50.0), (0, 0.95, 100.0), (0, 0.93, 200.0)),
            search("staged", 0, (1, 0.99, 5.0), (2, 0.94, 10.0), (2, 0.95, 20.0)),
            search("plain", 1, (0, 0.9, 50.0)),
            search("staged", 1, (1, 0.99, 5.0), (2, 0.89, 10.0)),
            search("plain", 2, (0, 0.9, 50.0)),
        ]
    )
    found = compare(rows, last_stage=2).set_index("seed")
    assert list(found.index) == [0, 1]
    assert found.loc[0, "staged_seconds_to_plain_best"] == 20.0
    assert (found.loc[0, "ratio_to_best"], found.loc[0, "ratio_to_end"]) == (0.2, 0.1)
    assert math.isinf(found.loc[1, "ratio_to_best"])
