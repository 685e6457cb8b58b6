import pytest

from benchmarks.orchestration import Times, cost_row
from benchmarks.step import Options, measure, row
from tune_mnist.training import TrainConfig

OPTIONS = Options(
    rounds=1, image_size=28, batches=1, gemm_size=64, loader_workers=0, precision="fp32"
)


def test_the_fraction_of_peak_uses_the_same_precision():
    config = TrainConfig(model="resnet", lr=0.1, image_size=64)
    medians = {"ours": 30.0, "plain": 10.0, "fp32": 1e11, "bf16": 2e11}
    found = row(config, "bf16", medians, flops=10**9)
    assert found["ratio"] == 3
    assert found["ours_percent_of_gemm"] == pytest.approx(15)
    assert found["plain_percent_of_gemm"] == pytest.approx(10)


def test_both_loops_train_and_are_timed(digits_split):
    found = measure("lenet:4", digits_split, OPTIONS)
    assert found["image_size"] == 32
    assert min(found["ours_images_per_second"], found["plain_images_per_second"]) > 0


def test_the_cost_of_a_trial_counts_all_workers():
    row = cost_row("ours", 100, Times(first_report=1.0, all_trials=5.0), 2)
    assert row["cost_per_trial_seconds"] == 0.08
    assert row["with_start_seconds"] == 0.1
