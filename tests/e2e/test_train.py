import pandas as pd
import pytest

from tests.e2e.commands import run

pytestmark = pytest.mark.e2e


def test_one_run_ends_with_test_accuracy_recall_and_confusion(tmp_path):
    result = run(
        "train",
        *("--model", "lenet", "--lr", "0.005", "--dropout", "0.0", "--epochs", "2"),
        *("--output-dir", str(tmp_path), "--name", "one"),
    )
    assert result.returncode == 0, result.stderr
    assert "61,706 trainable parameters" in result.stdout
    assert "48,000 training, 12,000 validation and 10,000 test images" in result.stdout
    assert "test accuracy" in result.stdout
    assert "recall" in result.stdout
    epochs = pd.read_csv(tmp_path / "one" / "epochs.csv")
    assert list(epochs["epoch"]) == [1, 2]
    assert epochs["val_accuracy"].iloc[-1] > 0.8
    assert (tmp_path / "one" / "checkpoint" / "model.pt").exists()
    assert "| true class" in (tmp_path / "one" / "summary.md").read_text()
