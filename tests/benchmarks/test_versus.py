import math

import numpy as np
import pandas as pd
import pytest
import torch

from benchmarks.sample_dataset import SampleDataset
from benchmarks.versus.contestant import EpochLog
from benchmarks.versus.run import CONTESTANTS, in_turn
from benchmarks.versus.same_space import in_terms_of, same_space
from benchmarks.versus.summary import searches, summarise
from benchmarks.versus.time_shares import TimeShares, time_shares
from tune_mnist.data import prepare_batch, to_tensor


def search(contestant, seed, wall, *epochs):
    """Return the rows of a search whose epochs are given as (val_accuracy, seconds)."""
    return pd.DataFrame(
        {
            "contestant": contestant,
            "seed": seed,
            "trial": "0",
            "epoch": range(1, len(epochs) + 1),
            "val_accuracy": [accuracy for accuracy, _ in epochs],
            "seconds": [seconds for _, seconds in epochs],
            "wall_seconds": wall,
        }
    )


def test_a_search_is_summarized_by_its_time_to_target_and_best_accuracy():
    found = searches(search("ours", 0, 40.0, (0.5, 10.0), (0.985, 30.0), (0.98, 20.0)), 0.98)
    row = found.iloc[0]
    assert (row.epochs, row.best_accuracy, row.seconds_to_target) == (3, 0.985, 20.0)
    assert row.wall_seconds_per_epoch == pytest.approx(40 / 3)


def test_ratios_compare_medians_with_plain_ray_tune():
    rows = pd.concat(
        [search("ray_tune", seed, wall, (0.99, wall)) for seed, wall in enumerate((90, 100, 300))]
        + [search("ours", seed, wall, (0.99, wall / 2)) for seed, wall in enumerate((50, 40, 1))]
    )
    table = summarise(rows, 0.98).set_index("contestant")
    assert table.loc["ours", "wall_ratio"] == 0.4
    assert table.loc["ours", "ratio_to_target"] == 0.2
    assert table.loc["ray_tune", "wall_ratio"] == 1


def test_a_target_that_most_seeds_miss_counts_as_missed():
    missed = [search("ours", seed, 50.0, (0.9, 5.0)) for seed in (0, 1)]
    rows = pd.concat([*missed, search("ours", 2, 50.0, (0.99, 5.0))])
    assert math.isinf(summarise(rows, 0.98)["seconds_to_target"][0])


def test_every_contestant_is_started_first_equally_often():
    seeds = range(len(CONTESTANTS))
    assert {in_turn(CONTESTANTS, seed)[0] for seed in seeds} == set(CONTESTANTS)
    assert all(set(in_turn(CONTESTANTS, seed)) == set(CONTESTANTS) for seed in seeds)


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
    assert np.isclose(row.val_accuracy, 0.987654)


def test_the_time_of_the_workers_is_split_by_activity():
    # Two workers; the command starts at 0 and ends at 30. One trains trial 0 from 10 to 14 and
    # trial 2 from 15 to 19, the other trial 1 from 11 to 16, and from 17 to 26.
    ends = {(0, 1): 14.0, (1, 1): 16.0, (2, 1): 19.0, (1, 2): 26.0}
    lengths = {(0, 1): 4.0, (1, 1): 5.0, (2, 1): 4.0, (1, 2): 9.0}
    shares = time_shares(ends, lengths, workers=2, started=0, ended=30)
    assert shares == TimeShares(start=20, training=22, between=3, tail=7, end=8)
    assert "60.0 seconds of a worker: start 20.0 (33.3%), training 22.0 (36.7%)" in str(shares)


def test_a_worker_without_a_trial_waits_until_the_end():
    shares = time_shares({(0, 1): 6.0}, {(0, 1): 4.0}, workers=2, started=0, ended=6)
    assert shares == TimeShares(start=4, training=4, between=0, tail=4, end=0)
