"""Text lines with the metrics of an epoch, at most 80 columns wide."""

from tune_mnist.training import EpochMetrics

_HEADINGS = ("epoch", "train_loss", "train_accuracy", "val_loss", "val_accuracy", "s", "images/s")
_WIDTHS = (7, 10, 14, 8, 12, 7, 8)


def epoch_heading() -> str:
    """Return the headings to print above the lines of :func:`epoch_line`."""
    return _columns(_HEADINGS)


def epoch_line(metrics: EpochMetrics, max_epochs: int) -> str:
    """Format the metrics of an epoch as one line, aligned with :func:`epoch_heading`."""
    return _columns(
        (
            f"{metrics.epoch}/{max_epochs}",
            f"{metrics.train_loss:.4f}",
            f"{metrics.train_accuracy:.4f}",
            f"{metrics.val_loss:.4f}",
            f"{metrics.val_accuracy:.4f}",
            f"{metrics.epoch_seconds:.1f}",
            f"{metrics.images_per_second:,.0f}",
        )
    )


def _columns(cells: tuple[str, ...]) -> str:
    return "  ".join(f"{cell:>{width}}" for cell, width in zip(cells, _WIDTHS, strict=True))
