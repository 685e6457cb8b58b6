"""Facts and epochs as lines of text, for a terminal of any width and for logs."""

from rich.console import Console
from rich.table import Table

from tune_mnist.training import EpochMetrics

_HEADINGS = ("epoch", "train_loss", "train_accuracy", "val_loss", "val_accuracy", "s", "images/s")
_WIDTHS = (7, 10, 14, 8, 12, 7, 8)


def print_facts(console: Console, facts: dict[str, str]) -> None:
    """Print what is done on what: one line a fact in logs, folded under itself in a terminal."""
    width = max(map(len, facts))
    if not console.is_terminal:
        for key, value in facts.items():
            console.print(f"{key:<{width}} {value}", markup=False, highlight=False, soft_wrap=True)
        return
    table = Table.grid(padding=(0, 1))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for key, value in facts.items():
        table.add_row(key, value)
    console.print(table, markup=False, highlight=False)


def epoch_heading() -> str:
    """Return the headings over the lines of :func:`epoch_line`, in 80 columns."""
    return _columns(_HEADINGS)


def epoch_line(metrics: EpochMetrics, max_epochs: int) -> str:
    """Return the metrics of an epoch, below those headings."""
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
