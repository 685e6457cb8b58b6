"""How one trained network did: accuracies, recall by class, confusion matrix."""

import pandas as pd
from rich.box import SIMPLE_HEAD
from rich.console import Group
from rich.table import Table
from rich.text import Text

from tune_mnist.training import Evaluation

_TITLE = "Test images by true class (rows) and predicted class"


def to_rich(val_accuracy: float, tested: Evaluation) -> Group:
    """Return the result for a terminal."""
    return Group(
        Text(_accuracies(val_accuracy, tested), style="bold"),
        Text(_TITLE, style="italic"),
        _rich(_confusion(tested)),
    )


def to_markdown(title: str, facts: dict[str, str], val_accuracy: float, tested: Evaluation) -> str:
    """Return the result as a page of Markdown."""
    lines = [f"# {title}", "", *(f"- **{key}**: {value}" for key, value in facts.items()), ""]
    lines += [_accuracies(val_accuracy, tested), ""]
    lines += [f"{_TITLE}:", ""]
    lines += [_confusion(tested).to_markdown(index=False, disable_numparse=True), ""]
    return "\n".join(lines)


def _accuracies(val_accuracy: float, tested: Evaluation) -> str:
    return f"validation accuracy {val_accuracy:.4f}, test accuracy {tested.accuracy:.4f}"


def _confusion(tested: Evaluation) -> pd.DataFrame:
    """Return the confusion matrix with the recall of each class as last column, as text."""
    classes = [str(number) for number in range(len(tested.recall))]
    frame = pd.DataFrame(tested.confusion.astype(str), columns=classes)
    frame.insert(0, "true class", classes)
    frame["recall"] = [f"{recall:.4f}" for recall in tested.recall]
    return frame


def _rich(cells: pd.DataFrame) -> Table:
    # Ten columns of four digits and two more fit 80 columns only without lines between them.
    table = Table(box=SIMPLE_HEAD, padding=0)
    for heading in cells.columns:
        table.add_column(heading, justify="right")
    for row in cells.itertuples(index=False):
        table.add_row(*row)
    return table
