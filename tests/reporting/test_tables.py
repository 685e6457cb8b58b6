import io

import pandas as pd
import pytest
from rich.console import Console

from tune_mnist.reporting.tables import compare, to_markdown

TRIALS = pd.DataFrame(
    {
        "trial": [1, 2, 3, 4],
        "model": ["lenet", "resnet", "resnet", "lenet"],
        "state": ["COMPLETE", "PRUNED", "COMPLETE", "DIVERGED"],
        "val_accuracy": [0.95, 0.97, 0.99, float("nan")],
        "lr": [1e-3, 1e-2, 3e-3, 1.0],
        "batch_size": [32, 64, 128, 32],
        "dropout": [0.0, 0.1, 0.2, 0.3],
        "optimizer": ["adam", "sgd", "adam", "sgd"],
        "momentum": [float("nan"), 0.9, float("nan"), 0.5],
        "weight_decay": [float("nan")] * 4,
        "best_epoch": [3, 1, 9, 0],
        "epochs": [3, 1, 9, 0],
        "parameters": [61_706.0, 11_178_378.0, 11_178_378.0, float("nan")],
        "images_per_second": [9000.0, 100.0, 110.0, float("nan")],
        "train_seconds": [10.0, 40.0, 360.0, 0.0],
    }
)


def test_each_architecture_shows_its_best_trial_best_first():
    table = compare(TRIALS, {})[0].cells
    assert list(table["model"]) == ["resnet", "lenet"]
    assert list(table["val_accuracy"]) == ["0.9900", "0.9500"]
    assert list(table["parameters"]) == ["11,178,378", "61,706"]
    assert list(table["trials"]) == ["2", "2"]


def test_full_validation_is_shown_where_it_was_measured():
    assert "on all validation images" not in compare(TRIALS, {})[0].cells
    table = compare(TRIALS, {"lenet": 0.9432, "resnet": 0.9876})[0].cells
    assert list(table["on all validation images"]) == ["0.9876", "0.9432"]


def test_the_top_lists_trials_with_a_result_and_drops_empty_columns():
    top = compare(TRIALS, {})[1]
    assert list(top.cells["trial"]) == ["3", "2", "1"]
    assert "weight decay" not in top.cells
    assert list(top.cells["momentum"]) == ["-", "0.90", "-"]


def test_the_top_has_at_most_ten():
    many = pd.concat([TRIALS.head(1)] * 14).assign(trial=range(1, 15))
    assert list(compare(many, {})[1].cells["trial"]) == [str(n) for n in range(1, 11)]


def test_with_several_objectives_the_pareto_set_comes_first():
    directions = {"val_accuracy": "max", "parameters": "min"}
    table = compare(TRIALS, {}, directions)[0]
    assert table.title == "Pareto set of val_accuracy and parameters"
    # Trial 2 is as large as trial 3 and worse; the small one is beaten by none.
    assert list(table.cells["trial"]) == ["3", "1"]


def test_no_result_at_all_still_gives_tables():
    nothing = TRIALS.assign(val_accuracy=float("nan"))
    assert [len(table.cells) for table in compare(nothing, {})] == [0, 0]


def on_screen(trials, width):
    stream = io.StringIO()
    console = Console(file=stream, width=width)
    for table in compare(trials, {"lenet": 0.9432, "resnet": 0.9876}):
        console.print(table.to_rich())
    return stream.getvalue()


def test_in_80_columns_hyperparameters_fold_but_no_number_is_cut():
    text = on_screen(TRIALS, 80)
    assert all(len(line) <= 80 for line in text.splitlines())
    assert "…" not in text
    for word in ("0.9900", "0.9876", "COMPLETE", "val_accuracy", "momentum"):
        assert word in text
    assert "sgd, lr 1.00e-02, batch 64, dropout 0.10, momentum 0.90" in on_screen(TRIALS, 160)


@pytest.mark.parametrize("fact", ["4,800 of 48,000", "#4 DIVERGED"])
def test_the_summary_says_what_was_done_and_what_failed(fact):
    text = to_markdown(
        "Search x",
        {"data": "mnist, 4,800 of 48,000"},
        compare(TRIALS, {}),
        ["#4 DIVERGED: diverged: train_loss is nan"],
    )
    assert fact in text
    assert "| resnet " in text
