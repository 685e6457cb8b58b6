import click
import numpy as np
import pandas as pd
import pytest
import torch

from benchmarks.results_page import time_to_target
from benchmarks.sample_dataset import SampleDataset
from benchmarks.versus.anytime import anytime_curves, at_times
from benchmarks.versus.anytime_plot import draw
from benchmarks.versus.bounded_run import BoundedRun, Ending
from benchmarks.versus.censoring import AT_LEAST, AT_MOST, EXACT, bounds
from benchmarks.versus.contestant import EpochLog, Task
from benchmarks.versus.contestants import ALL, MODULES, NONE, USUAL, contestants, in_turn
from benchmarks.versus.data_checksum import data_checksum
from benchmarks.versus.recording import Recording
from benchmarks.versus.run import seed_range, write_results
from benchmarks.versus.same_space import first_points, in_terms_of, same_space
from benchmarks.versus.summary import summarise, times_to_target
from benchmarks.versus.time_shares import TimeShares, time_shares
from benchmarks.versus.training_data import data_loaders, prepare_all
from tests.messages import assert_named, assert_refused, refusal
from tune_mnist.data import prepare_batch, to_tensor
from tune_mnist.tuning.searching.portfolio import portfolio_of
from tune_mnist.tuning.spaces.space import load_space


def task(**changed):
    """Return a task of a contestant."""
    usual = {"seed": 0, "num_samples": 16, "max_epochs": 6, "output": None, "dataset": "digits"}
    usual |= {"data_dir": None, "workers": 2, "device": "cpu"}
    return Task(**usual | changed)


def run_of(contestant, seed, *epochs, at_most=100.0):
    """Return the tables of a run whose epochs are given as (val_accuracy, seconds)."""
    key = {"contestant": contestant, "seed": seed}
    limits = {"until_accuracy": 0.98, "at_most_seconds": at_most}
    return pd.DataFrame([key | limits]), pd.DataFrame(
        [key | {"val_accuracy": accuracy, "seconds": seconds} for accuracy, seconds in epochs]
    )


def tables(*runs):
    return tuple(pd.concat(each, ignore_index=True) for each in zip(*runs, strict=True))


def test_a_run_is_summarised_by_its_time_and_epochs_to_the_target():
    run = run_of("ours", 0, (0.5, 10.0), (0.985, 30.0), (0.98, 20.0))
    row = times_to_target(*run).iloc[0]
    assert (row.reached, row.seconds_to_target, row.epochs_to_target) == (True, 20.0, 2)
    assert (row.best_accuracy, row.seconds_to_first_epoch) == (0.985, 10.0)
    assert row.seconds_per_epoch == 10.0


def test_a_run_that_misses_the_target_counts_as_long_as_its_limit():
    missed = [run_of("ours", seed, (0.9, 5.0)) for seed in (0, 1)]
    table = summarise(times_to_target(*tables(*missed, run_of("ours", 2, (0.99, 5.0)))))
    assert (table.runs[0], table.reached[0]) == (3, 1)
    assert table.seconds_to_target[0] == 100.0


def test_a_run_without_an_epoch_counts_too():
    silent, _ = run_of("ours", 0)
    other, epochs = run_of("ray_tune", 0, (0.99, 40.0))
    times = times_to_target(pd.concat([silent, other], ignore_index=True), epochs)
    assert list(times.seconds_to_target) == [100.0, 40.0]
    assert list(times.epochs_to_target) == [0, 1]


def test_ratios_compare_our_search_with_each_contestant():
    ours, theirs = (20, 30, 50), (100, 40, 50)
    runs = [run_of("ours", seed, (0.99, seconds)) for seed, seconds in enumerate(ours)]
    runs += [run_of("ray_tune", seed, (0.99, seconds)) for seed, seconds in enumerate(theirs)]
    table = summarise(times_to_target(*tables(*runs))).set_index("contestant")
    assert table.loc["ray_tune", "ratio_of_medians"] == 30 / 50
    assert table.loc["ray_tune", "median_ratio"] == 0.75
    assert table.loc["ours", "median_ratio"] == 1


def test_a_published_value_that_a_missed_target_could_change_is_marked_as_a_bound():
    missed = ()
    seconds = {
        "ours": [20, 30, 100, 100],  # the median lies between a time and a lower bound
        "ray_tune": [10, 20, 30, 40],
        "ray_tune_in_memory": [10, 20, 30, 100],
        "optuna_alone": [100, 100, 100, 100],
    }
    runs = [
        run_of(name, seed, *(missed if time == 100 else [(0.99, time)]))
        for name, times in seconds.items()
        for seed, time in enumerate(times)
    ]
    table = time_to_target(times_to_target(*tables(*runs)))
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in table.splitlines()]
    shown = {row[0]: (row[2], *row[-2:]) for row in rows[2:]}
    assert shown == {
        "tune_mnist": ("≥ 65 (28 to ≥ 100)", "1.00", "1.00"),
        "Ray Tune's guide": ("25 (18 to 32)", "≥ 2.60", "≥ 2.25"),
        "Ray Tune, images in memory": ("25 (18 to ≥ 48)", "≥ 2.60", "≥ 1.75"),
        "Optuna alone": ("≥ 100 (≥ 100 to ≥ 100)", "-", "-"),
    }


def test_the_ratio_to_a_contestant_that_missed_the_target_is_an_upper_bound():
    runs = [run_of("ours", seed, (0.99, 50.0)) for seed in range(2)]
    runs += [run_of("ray_tune", 0), run_of("ray_tune", 1, (0.99, 40.0))]
    found = bounds(times_to_target(*tables(*runs))).set_index("contestant")
    assert set(found.loc["ours"]) == {EXACT}
    assert found.loc["ray_tune", "ratio_of_medians"] == AT_MOST
    assert found.loc["ray_tune", "median_ratio"] == AT_MOST
    assert found.loc["ray_tune", "seconds_to_target"] == AT_LEAST


def test_anytime_curves_are_quartiles_of_the_best_accuracy_so_far():
    runs, epochs = tables(
        run_of("ours", 0, (0.5, 1.0), (0.4, 2.0), (0.9, 3.0), at_most=4.0),
        run_of("ours", 1, (0.7, 2.0), at_most=4.0),
    )
    curves = anytime_curves(runs, epochs)
    assert list(curves.seconds) == [0, 1, 2, 3, 4]
    assert list(curves["median"]) == [0, 0.25, 0.6, 0.8, 0.8]
    assert list(curves.upper_quartile)[-1] == 0.85
    shown = at_times(curves, 2)
    assert list(shown.columns) == ["contestant", "2 s", "4 s"]
    assert shown.iloc[0]["4 s"] == "0.8000 (0.7500 to 0.8500)"
    assert at_times(curves, 15).to_dict("list") == {"contestant": ["ours"]}
    assert "ours" in draw(curves, 0.98, "a title")


SETTINGS = {"dataset": "mnist", "until_accuracy": 0.98, "at_most_seconds": 100.0}
EPOCHS = pd.DataFrame(
    {"trial": ["007", "8"], "epoch": [1, 1], "val_accuracy": [0.5, 0.25], "seconds": [3.5, 4.0]}
)
ENDED = BoundedRun(Ending.TIME, 100.0)


def test_a_comparison_continues_after_the_recorded_runs(tmp_path):
    Recording(tmp_path, SETTINGS).add("ours", 3, ENDED, EPOCHS)
    again = Recording(tmp_path, SETTINGS)
    assert again.has("ours", 3)
    assert not again.has("ours", 4)
    assert not again.has("ray_tune", 3)
    assert list(again.epochs.trial) == ["007", "8"]
    again.add("ray_tune", 3, ENDED, EPOCHS[:0])
    assert Recording(tmp_path, SETTINGS).has("ray_tune", 3)


def test_epochs_of_a_run_that_was_not_recorded_whole_are_left_out(tmp_path):
    with pytest.raises(AttributeError):  # without an ending, the row of the run cannot be written
        Recording(tmp_path, SETTINGS).add("ours", 3, None, EPOCHS)
    assert "007" in (tmp_path / "epochs.csv").read_text()
    again = Recording(tmp_path, SETTINGS)
    assert not again.has("ours", 3)
    again.add("ours", 4, ENDED, EPOCHS)
    assert set(Recording(tmp_path, SETTINGS).epochs.seed) == {4}


def test_runs_with_other_settings_are_not_mixed(tmp_path):
    Recording(tmp_path, SETTINGS).add("ours", 3, ENDED, EPOCHS)
    other = SETTINGS | {"at_most_seconds": 60.0}
    assert "at_most_seconds" in refusal(Recording, tmp_path, other)


def test_epochs_without_runs_are_refused_and_kept(tmp_path):
    epochs = tmp_path / "epochs.csv"
    epochs.write_text("contestant,seed,trial,epoch,val_accuracy,seconds\nours,0,0,1,0.5,3\n")
    before = epochs.read_text()
    assert "runs.csv" in refusal(Recording, tmp_path, SETTINGS)
    assert epochs.read_text() == before


def test_runs_whose_setting_was_not_recorded_are_not_mixed(tmp_path):
    Recording(tmp_path, SETTINGS).add("ours", 3, ENDED, EPOCHS)
    assert_refused("data", Recording, tmp_path, SETTINGS | {"data": "1e10"})


def test_a_checksum_of_digits_is_not_read_as_a_number(tmp_path):
    settings = SETTINGS | {"data": "00001e10"}
    Recording(tmp_path, settings).add("ours", 3, ENDED, EPOCHS)
    assert Recording(tmp_path, settings).has("ours", 3)


def test_the_checksum_of_the_data_follows_their_content_and_not_their_folder(tmp_path, digits):
    images, labels = digits.train_images[:20], digits.train_labels[:20]
    changed = np.roll(labels, 1)
    for name, given in {"one": labels, "same": labels, "other": changed}.items():
        (tmp_path / name).mkdir()
        arrays = {"x_train": images, "y_train": given, "x_test": images, "y_test": given}
        np.savez(tmp_path / name / "data.npz", **arrays)
    one, same, other = (
        data_checksum("mnist", tmp_path / name / "data.npz") for name in ("one", "same", "other")
    )
    assert one == same
    assert one != other


def test_results_are_written_although_no_run_has_reported_an_epoch(tmp_path):
    recording = Recording(tmp_path, SETTINGS)
    recording.add("ours", 0, ENDED, EPOCHS[:0])
    write_results(recording, tmp_path, 0.98, "a title")
    row = pd.read_csv(tmp_path / "summary.csv").iloc[0]
    assert (row.runs, row.reached, row.seconds_to_target) == (1, 0, 100)
    assert Recording(tmp_path, SETTINGS).has("ours", 0)


def test_every_contestant_is_started_first_equally_often():
    chosen = contestants(MODULES, USUAL)
    seeds = range(len(chosen))
    assert {in_turn(chosen, seed)[0] for seed in seeds} == set(chosen)
    assert all(set(in_turn(chosen, seed)) == set(chosen) for seed in seeds)


def test_the_name_of_a_contestant_tells_an_unusual_use_of_the_portfolio():
    def names(portfolio):
        return [each.name for each in contestants(("ours", "ray_tune"), portfolio)]

    assert names(USUAL) == ["ours", "ray_tune"]
    assert names(ALL) == ["ours", "ray_tune_with_portfolio"]
    assert names(NONE) == ["ours_without_portfolio", "ray_tune"]


def test_the_shipped_portfolio_fits_the_space_of_all_contestants():
    shipped = portfolio_of(load_space("lenet"))
    handed = first_points(task(portfolio=True))
    assert handed == list(shipped.configurations)
    assert all(set(each) == set(same_space().parameters) for each in handed)
    assert first_points(task(portfolio=False)) == []


def test_seeds_are_given_as_ranges():
    assert seed_range(None, None, "0-3") == [0, 1, 2, 3]
    assert seed_range(None, None, "5,0-1") == [5, 0, 1]
    for wrong in ("3-", "5-2", "0,5-2"):
        with pytest.raises(click.BadParameter):
            seed_range(None, None, wrong)


def test_images_in_memory_are_those_of_the_data_loader():
    loader = data_loaders("digits", None, 32)
    memory = prepare_all("digits", None).batches(32)
    assert len(memory.train) == len(loader.train)
    for (images, labels), (expected, expected_labels) in zip(memory.val, loader.val, strict=True):
        torch.testing.assert_close(images, expected)
        assert torch.equal(labels, expected_labels)
    epochs = [torch.cat([labels for _, labels in memory.train]) for _ in range(2)]
    assert not torch.equal(*epochs)
    assert torch.equal(epochs[0].bincount(), epochs[1].bincount())


def test_every_parameter_is_translated_to_another_librarys_terms():
    space = same_space()
    told = in_terms_of(
        space,
        lambda low, high: ("uniform", low, high),
        lambda low, high: ("loguniform", low, high),
        lambda choices: ("choice", choices),
    )
    assert set(told) == set(space.parameters)
    assert told["lr"] == ("loguniform", 1e-4, 0.3)
    assert told["dropout"] == ("uniform", 0.0, 0.5)
    assert told["batch_size"] == ("choice", [32, 64, 128, 256])


@pytest.mark.parametrize(("model", "size"), [("lenet", 32), ("resnet", 64)])
def test_contestants_get_the_same_images(digits_split, model, size):
    samples = SampleDataset(digits_split, digits_split.train, model, size)
    image, label = samples[3]
    index = digits_split.train[3]
    pixels = to_tensor(digits_split.images[index : index + 1])
    expected = prepare_batch(pixels, size, resize=model != "lenet")[0]
    # PIL rounds the pixels of resized pictures to integers.
    torch.testing.assert_close(image, expected, atol=1 / 255, rtol=0)
    assert label == digits_split.labels[index]


def test_rows_have_seconds_since_the_start(tmp_path):
    log = EpochLog(tmp_path / "rows.csv", started=1000.0)
    log.path.write_text("trial,epoch,val_accuracy,seconds\n")
    log.add("a1", 2, 0.98765432, now=1012.5)
    row = pd.read_csv(log.path).iloc[0]
    assert (row.trial, row.epoch, row.seconds) == ("a1", 2, 12.5)
    assert np.isclose(row.val_accuracy, 0.9877)


def test_the_time_of_the_workers_is_split_by_activity():
    # Two workers; the command starts at 0 and ends at 30. One trains trial 0 from 10 to 14 and
    # trial 2 from 15 to 19, the other trial 1 from 11 to 16, and from 17 to 26.
    ends = {(0, 1): 14.0, (1, 1): 16.0, (2, 1): 19.0, (1, 2): 26.0}
    lengths = {(0, 1): 4.0, (1, 1): 5.0, (2, 1): 4.0, (1, 2): 9.0}
    shares = time_shares(ends, lengths, workers=2, started=0, ended=30)
    assert shares == TimeShares(start=20, training=22, between=3, tail=7, end=8)
    assert_named("60.0 start 20.0 33.3% training 22.0 36.7%", str(shares))


def test_a_worker_without_a_trial_waits_until_the_end():
    shares = time_shares({(0, 1): 6.0}, {(0, 1): 4.0}, workers=2, started=0, ended=6)
    assert shares == TimeShares(start=4, training=4, between=0, tail=4, end=0)
