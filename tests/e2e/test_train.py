import pandas as pd
import pytest

from tests.e2e.commands import in_this_process, interrupt, run, start
from tune_mnist.errors import UserError
from tune_mnist.train import train

pytestmark = pytest.mark.e2e


def test_a_run_reports_test_accuracy_recall_and_confusion(tmp_path):
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
    assert line.startswith("interrupted; ")
    assert "--resume" not in line  # a single run cannot be resumed
    assert list(tmp_path.iterdir()) == []


def test_a_diverging_loss_is_one_line_and_leaves_nothing(tmp_path):
    with pytest.raises(UserError) as caught:
        in_this_process(
            train,
            *("--model", "resnet", "--lr", "1e30", "--optimizer", "sgd", "--image-size", "28"),
            *("--dataset", "digits", "--output-dir", str(tmp_path / "results")),
        )
    line = str(caught.value)
    assert line.startswith("diverged: train_loss is ")
    assert line.endswith("(lr 1e+30): try a smaller --lr")
    assert "\n" not in line
    assert list(tmp_path.iterdir()) == []
