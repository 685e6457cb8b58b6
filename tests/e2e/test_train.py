import pandas as pd
import pytest

from tests.e2e.commands import in_this_process, interrupt, run, start
from tests.messages import assert_refused, is_named
from tune_mnist.train import train

pytestmark = pytest.mark.e2e


def test_a_run_reports_test_accuracy_recall_and_confusion(tmp_path):
    result = run(
        "train",
        *("--model", "lenet", "--lr", "0.005", "--dropout", "0.0", "--epochs", "3"),
        *("--fraction", "0.1", "--batch-size", "16"),
        *("--output-dir", str(tmp_path), "--name", "one"),
    )
    assert result.returncode == 0, result.stderr
    for fact in ("61,706", "4,800", "12,000", "10,000", "test accuracy", "recall"):
        assert is_named(fact, result.stdout), fact
    epochs = pd.read_csv(tmp_path / "one" / "epochs.csv")
    assert list(epochs["epoch"]) == [1, 2, 3]
    assert epochs["val_accuracy"].iloc[-1] > 0.8
    assert (tmp_path / "one" / "checkpoint" / "model.pt").exists()
    assert "| true class" in (tmp_path / "one" / "summary.md").read_text()


def test_ctrl_c_during_an_epoch_prints_one_line_and_leaves_nothing(tmp_path):
    process = start(
        "train",
        *("--model", "lenet", "--lr", "0.01", "--dataset", "digits", "--epochs", "100000"),
        *("--output-dir", str(tmp_path / "results")),
    )
    assert process.stdout is not None
    assert any(line.split()[:1] == ["1/100000"] for line in process.stdout)
    _, err = interrupt(process)
    assert process.returncode == 130
    (line,) = err.strip().splitlines()
    assert is_named("interrupted", line)
    assert "--resume" not in line  # a single run cannot be resumed
    assert list(tmp_path.iterdir()) == []


def test_a_diverging_loss_is_one_line_and_leaves_nothing(tmp_path):
    assert_refused(
        *("train_loss 1e+30 --lr", in_this_process, train),
        *("--model", "resnet", "--lr", "1e30", "--optimizer", "sgd", "--image-size", "28"),
        *("--dataset", "digits", "--fraction", "0.1", "--output-dir", str(tmp_path / "results")),
    )
    assert list(tmp_path.iterdir()) == []
