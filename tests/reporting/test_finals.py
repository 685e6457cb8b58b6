import math
from dataclasses import replace

import pytest

from tune_mnist.data.form import number_names
from tune_mnist.reporting.finals import final_tables
from tune_mnist.tuning.final.runs import Calibration, FinalRun


def run(seed, confusion, model="lenet", trial=4):
    total = sum(map(sum, confusion))
    right = sum(row[number] for number, row in enumerate(confusion))
    return FinalRun(model, trial, seed, {"max_epochs": 9}, 60_000, right / total, confusion, 10.0)


RUNS = [
    run(0, [[9, 1, 0], [2, 8, 0], [0, 0, 10]]),
    run(1, [[10, 0, 0], [4, 6, 0], [0, 0, 10]]),
]


def tables(runs, asked=3):
    return {
        table.name: table
        for table in final_tables(runs, asked, number_names(len(runs[0].confusion) if runs else 0))
    }


def test_the_table_has_mean_deviation_interval_and_seeds():
    cells = tables(RUNS)["final"].cells
    assert list(cells["test accuracy"]) == ["0.8833 ± 0.0236"]
    assert list(cells["95% interval"]) == ["0.6716 to 1.0000"]
    assert list(cells["seeds"]) == ["2"]
    assert list(cells["training images"]) == ["60,000"]
    assert list(cells["epochs"]) == ["9"]


def test_calibration_is_the_mean_over_the_seeds():
    found = [Calibration(0.02, 1.5, 0.004), Calibration(0.04, 1.5, 0.006)]
    runs = [replace(run, calibration=each) for run, each in zip(RUNS, found, strict=True)]
    cells = tables(runs)["final"].cells
    assert list(cells["ECE"]) == ["0.0300"]
    assert list(cells["temperature"]) == ["1.50"]
    assert list(cells["scaled ECE"]) == ["0.0050"]


def test_calibration_without_a_temperature_has_no_scaled_error():
    runs = [replace(run, calibration=Calibration(0.02)) for run in RUNS]
    table = tables(runs)["final"]
    assert list(table.cells["ECE"]) == ["0.0200"]
    assert not {"temperature", "scaled ECE"} & {*table.cells}
    assert "temperature" not in table.caption


def test_runs_of_earlier_versions_have_no_calibration():
    runs = [replace(RUNS[0], calibration=Calibration(0.02, 1.5, 0.01)), RUNS[1]]
    table = tables(runs)["final"]
    assert "ECE" not in table.cells
    assert "ECE" not in table.caption


def test_the_file_has_unrounded_numbers():
    values = tables(RUNS)["final"].values
    assert values["test_accuracy"][0] == pytest.approx(26.5 / 30)
    assert values["test_sd"][0] == pytest.approx(0.02357, abs=1e-5)


def test_one_seed_has_no_deviation():
    cells = tables(RUNS[:1])["final"].cells
    assert list(cells["test accuracy"]) == ["0.9000"]
    assert "95% interval" not in cells


def test_each_run_has_a_row():
    cells = tables(RUNS)["final_runs"].cells
    assert list(cells["seed"]) == ["0", "1"]
    assert list(cells["test accuracy"]) == ["0.9000", "0.8667"]


def test_recall_is_the_mean_over_the_seeds():
    cells = tables(RUNS)["recall"].cells
    assert list(cells["class"]) == ["0", "1", "2"]
    assert list(cells["lenet"]) == ["0.9500", "0.7000", "1.0000"]


def test_a_class_without_test_images_has_no_recall():
    table = tables([run(0, [[9, 1], [0, 0]])])["recall"]
    assert list(table.cells["lenet"]) == ["0.9000", "-"]
    assert math.isnan(table.values["lenet"][1])


def test_confusions_are_summed_over_the_seeds():
    cells = tables(RUNS)["confused"].cells
    rows = list(
        zip(cells["class"], cells["classified as"], cells["images"], cells["share"], strict=True)
    )
    assert rows == [("1", "0", "6", "30.00%"), ("0", "1", "1", "5.00%")]


def test_a_network_without_mistakes_has_no_confusions():
    found = tables([run(0, [[9, 0], [0, 9]])])
    assert "confused" not in found
    assert list(found["recall"].cells["lenet"]) == ["1.0000", "1.0000"]


def test_two_configurations_of_an_architecture_are_not_averaged():
    found = tables([*RUNS, run(0, [[5, 5, 0], [5, 5, 0], [0, 0, 10]], trial=7)])
    assert list(found["final"].cells["trial"]) == ["4", "7"]
    assert list(found["recall"].cells.columns) == ["class", "lenet #4", "lenet #7"]


def test_without_final_runs_there_are_no_tables():
    assert tables([]) == {}


def test_the_caption_of_single_runs_explains_no_deviation():
    assert "±" not in tables(RUNS[:1], asked=1)["final"].caption
    assert "lenet" in tables(RUNS, asked=3)["final"].caption  # a run is missing
    assert "lenet" not in tables(RUNS, asked=2)["final"].caption
