import io

import pandas as pd
import pytest
from rich.console import Console

from tests.reporting.searches import Search, best_config
from tune_mnist.reporting.summary import search_tables
from tune_mnist.reporting.tables import CONFIG, Comparison, comparison
from tune_mnist.tuning.storage.kept_models import write_config

ROWS = pd.DataFrame(
    {
        "model": ["lenet", "resnet"],
        "val_accuracy": [0.98765, float("nan")],
        "batch_size": [32, 64],
        "weight_decay": [float("nan")] * 2,
        "seeds": [3.0, float("nan")],
        "test": ["0.9900 ± 0.0010", None],
        "test_accuracy": [0.99, float("nan")],
        "test_sd": [0.001, float("nan")],
    }
)
SHOWN = ("model", "val_accuracy", "test", "batch_size", "weight_decay", "seeds", "momentum")


@pytest.fixture
def table():
    return comparison("best", "The best_of all", ROWS, SHOWN, "100% honest.")


def test_columns_without_information_are_omitted(table):
    assert list(table.cells) == ["model", "val_accuracy", "test accuracy", "batch", "seeds"]
    assert list(table.cells["val_accuracy"]) == ["0.9877", "-"]


def test_csv_has_unrounded_numbers(table):
    assert table.to_csv().splitlines() == [
        "model,val_accuracy,test_accuracy,test_sd,batch_size,seeds",
        "lenet,0.98765,0.99,0.001,32,3",
        "resnet,,,,64,",
    ]


def test_latex_is_escaped_and_labelled(table):
    text = table.to_latex("10% of the data & a seed")
    assert r"\toprule" in text
    assert r"val\_accuracy" in text
    assert r"0.9900 $\pm$ 0.0010" in text
    assert r"\caption{The best\_of all. 100\% honest. 10\% of the data \& a seed.}" in text
    assert r"\label{tab:best}" in text
    assert r"\begin{tabular}{lrrrr}" in text


def test_latex_folds_hyperparameters_into_one_column(tmp_path):
    rows = pd.DataFrame(
        {"model": ["lenet"], "trial": [3], "optimizer": ["adam"], "lr": [0.001], "dropout": [0.1]}
    )
    columns = ("model", "trial", "optimizer", "lr", "dropout")
    wide = comparison("top", "Top", rows, columns, folded=True, files_only=("trial",))
    text = wide.to_latex()
    assert r"\begin{tabular}{lp{0.30\linewidth}}" in text
    assert r"lenet & adam, lr 1.00e-03, dropout 0.10 \\" in text


def test_markdown_has_a_caption_and_right_aligned_numbers(table):
    lines = table.to_markdown().splitlines()
    assert lines[:3] == ["## The best_of all", "", "100% honest."]
    assert lines[5].startswith("|:---")
    assert lines[5].endswith("---:|")


def test_a_table_needs_only_cells():
    table = Comparison("x", pd.DataFrame({"model": ["lenet"]}))
    assert table.to_csv() == "model\nlenet\n"
    assert "lenet" in table.to_markdown()


def test_keywords_of_the_architecture_are_columns_after_the_declared_hyperparameters():
    rows = pd.DataFrame(
        {
            "model": ["mynet"] * 2,
            "model.slope": [0.1, 0.25],
            "model.activation": ["relu", "tanh"],
            "lr": [0.1, 0.2],
        }
    )
    wide = comparison("top", "Top", rows, ("model", CONFIG), folded=False)
    assert list(wide.cells) == ["model", "lr", "model.slope", "model.activation"]
    assert list(wide.cells["model.slope"]) == ["0.1", "0.25"]
    assert (
        wide.to_markdown().splitlines()[3].count(":---") == 2
    )  # text columns: model and activation
    folded = comparison("top", "Top", rows, ("model", CONFIG), folded=True)
    assert "lr 1.00e-01, model.slope 0.1, model.activation relu" in on_screen([folded], 100)


def on_screen(tables, width):
    stream = io.StringIO()
    console = Console(file=stream, width=width)
    for table in tables:
        console.print(table.to_rich())
    return stream.getvalue()


def test_numbers_and_headings_are_not_cut_in_80_columns(tmp_path):
    space = (
        "description: large ones\nmodel: {type: categorical, choices: [alexnet, resnet]}\n"
        "parameters:\n"
        "  lr: {type: float, low: 1.0e-5, high: 1.0e-1, log: true}\n"
        "  batch_size: {type: categorical, choices: [32, 64]}\n"
        "  dropout: {type: float, low: 0.0, high: 0.5}\n"
        "  optimizer: {type: categorical, choices: [rmsprop]}\n"
        "  momentum: {type: float, low: 0.0, high: 0.99}\n"
        "  weight_decay: {type: float, low: 1.0e-6, high: 1.0e-2, log: true}\n"
    )
    search = Search(tmp_path / "demo", space)
    own = {"optimizer": "rmsprop", "momentum": 0.9, "weight_decay": 1e-4, "model": "resnet"}
    search.trial(0.91, 0.92, ends=False, **own)
    search.trial(diverges=True, **own)
    for seed in range(3):
        search.final("resnet", 0, seed, [[1, seed], [0, 1]])
    best = search.directory / "best" / "resnet"
    best.mkdir(parents=True)
    write_config(best, best_config("resnet", 0, full_val_accuracy=0.9181))
    found = search_tables(search.read())
    text = on_screen(found, 80)
    assert all(len(line) <= 80 for line in text.splitlines())
    assert "…" not in text
    words = ("val_accuracy", "0.9200", "0.9181", "INTERRUPTED", "11,178,378", "configuration")
    for word in (*words, "0.7222 ± 0.2546", "0.0898 to 1.0000", "diverged", "seconds"):
        assert word in text
    wide = on_screen(found, 160)
    assert "rmsprop, lr 1.00e-03, batch 32, dropout 0.00, momentum 0.90, weight decay" in wide
