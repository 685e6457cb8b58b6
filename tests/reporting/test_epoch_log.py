import pytest

from tune_mnist.reporting.epoch_log import epoch_heading, epoch_line
from tune_mnist.training import EpochMetrics


@pytest.mark.parametrize(
    ("epoch", "seconds", "speed"), [(1, 4.64, 261.3), (100, 98765.43, 123_456.7)]
)
def test_an_epoch_is_aligned_with_its_headings_within_80_columns(epoch, seconds, speed) -> None:
    metrics = EpochMetrics(epoch, 1.17641, 0.61451, 0.37171, 0.89491, seconds, seconds, speed)
    line, heading = epoch_line(metrics, 100), epoch_heading()
    assert len(line) == len(heading) < 80
    for word, value in (("train_loss", "1.1764"), ("val_accuracy", "0.8949")):
        assert line[: heading.index(word) + len(word)].endswith(value)
