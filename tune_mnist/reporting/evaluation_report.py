"""Report on one trained network: accuracies, recall by class and confusion matrix."""

import numpy as np
import pandas as pd
from rich.box import SIMPLE_HEAD
from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

from tune_mnist.reporting.markup import markdown
from tune_mnist.reporting.tables import cell
from tune_mnist.training import Evaluation

_TITLE = "Test images by true class (rows) and predicted class"
_LIST_TITLE = "Test images by class; the full confusion matrix is in summary.md"
_MISTAKES = 3
UNLIMITED = 100_000


def to_rich(val_accuracy: float, tested: Evaluation, console: Console) -> Group:
    """Format the evaluation of a network for a terminal or a log.

    Args:
        val_accuracy: Validation accuracy, from 0 to 1.
        tested: Evaluation on the test images.
        console: Console to print to. If the confusion matrix is too wide for the console, it is
            replaced by a list of the classes with their most frequent errors.
    """
    title, table = _TITLE, _rich(_confusion(tested))
    unlimited = console.options.update(width=UNLIMITED)
    if console.measure(table, options=unlimited).maximum > console.width:
        title, table = _LIST_TITLE, _rich(_by_class(tested))
    return Group(
        Text(_accuracies(val_accuracy, tested), style="bold"), Text(title, style="italic"), table
    )


def to_markdown(title: str, facts: dict[str, str], val_accuracy: float, tested: Evaluation) -> str:
    """Format the evaluation of a network as a Markdown page.

    Args:
        title: Title of the page.
        facts: Description of the run, keyed by heading.
        val_accuracy: Validation accuracy, from 0 to 1.
        tested: Evaluation on the test images.
    """
    cells = _confusion(tested).map(markdown)
    cells.columns = pd.Index([markdown(heading) for heading in cells.columns])
    lines = [
        *(f"# {markdown(title)}", ""),
        *(f"- **{key}**: {markdown(value)}" for key, value in facts.items()),
        *("", _accuracies(val_accuracy, tested)),
        *("", f"{_TITLE}:"),
        *("", cells.to_markdown(index=False, disable_numparse=True), ""),
    ]
    return "\n".join(lines)


def _accuracies(val_accuracy: float, tested: Evaluation) -> str:
    return f"validation accuracy {val_accuracy:.4f}, test accuracy {tested.accuracy:.4f}"


def _confusion(tested: Evaluation) -> pd.DataFrame:
    """Return the confusion matrix as text, with the recall of each class as last column."""
    rows = [
        [name, *map(str, row), cell("recall", recall)]
        for name, row, recall in zip(
            tested.class_names, tested.confusion, tested.recall, strict=True
        )
    ]
    return pd.DataFrame(rows, columns=["true class", *tested.class_names, "recall"])


def _by_class(tested: Evaluation) -> pd.DataFrame:
    """Return one row of text for each class: images, recall and most frequent errors."""
    rows = [
        (name, str(row.sum()), cell("recall", recall), _mistakes(tested, number))
        for number, (name, row, recall) in enumerate(
            zip(tested.class_names, tested.confusion, tested.recall, strict=True)
        )
    ]
    return pd.DataFrame(rows, columns=["class", "images", "recall", "most often classified as"])


def _mistakes(tested: Evaluation, number: int) -> str:
    row, names = tested.confusion[number], tested.class_names
    wrong = np.where(np.arange(len(row)) == number, 0, row)
    most = np.argsort(-wrong, kind="stable")[:_MISTAKES]
    return ", ".join(f"{names[other]} ({wrong[other]})" for other in most if wrong[other])


def _rich(cells: pd.DataFrame) -> Table:
    # Twelve columns of up to four digits fit into 80 characters only without vertical lines.
    table = Table(box=SIMPLE_HEAD, padding=0)
    for heading in cells.columns:
        table.add_column(Text(heading), justify="right", no_wrap=True)
    for row in cells.itertuples(index=False):
        table.add_row(*map(Text, row))
    return table
