"""Report of a single run, in a terminal and in Markdown."""

import io
import re
from dataclasses import replace

import numpy as np
import pytest
from rich.console import Console

from tune_mnist.data.form import number_names
from tune_mnist.reporting.evaluation_report import to_markdown, to_rich
from tune_mnist.training import Evaluation

TESTED = Evaluation(
    accuracy=0.87654,
    recall=np.array([1.0, 0.75, 2 / 3]),
    confusion=np.array([[10, 0, 0], [1, 9, 2], [0, 4, 8]]),
    class_names=("0", "1", "2"),
)


def on_screen(tested: Evaluation, width: int = 80) -> str:
    stream = io.StringIO()
    console = Console(file=stream, width=width)
    console.print(to_rich(0.91234, tested, console))
    return stream.getvalue()


def cells(line: str) -> list[str]:
    return line.replace("|", " ").split()


@pytest.mark.parametrize("text", [on_screen(TESTED), to_markdown("one", {}, 0.91234, TESTED)])
def test_accuracies_and_every_cell_of_the_confusion_matrix_are_shown(text):
    assert {"0.9123", "0.8765"} <= set(re.findall(r"\d\.\d+", text))
    rows = [cells(line) for line in text.splitlines()]
    assert ["0", "10", "0", "0", "1.0000"] in rows
    assert ["1", "1", "9", "2", "0.7500"] in rows
    assert ["2", "0", "4", "8", "0.6667"] in rows


def test_the_page_describes_the_run():
    page = to_markdown("train-lenet", {"model": "lenet", "data": "digits"}, 0.9, TESTED)
    assert page.startswith("# train-lenet\n\n- **model**: lenet\n- **data**: digits\n")
    assert page.endswith("|\n")


def test_the_confusion_matrix_of_mnist_fits_80_columns():
    ten = Evaluation(0.99, np.full(10, 0.99), np.full((10, 10), 1135), number_names(10))
    lines = on_screen(ten).splitlines()
    assert all(len(line) <= 80 for line in lines)
    assert sum("1135" in line for line in lines) == 10
    assert "…" not in on_screen(ten)


@pytest.mark.parametrize(
    ("classes", "width"), [(27, 80), (47, 80), (62, 80), (256, 80), (62, 160), (256, 160)]
)
def test_many_classes_have_one_row_each_within_the_width(classes: int, width: int) -> None:
    confusion = np.full((classes, classes), 0)
    np.fill_diagonal(confusion, 900)
    confusion[3, 7], confusion[3, 9] = 100, 50
    confusion[0] = 0
    recall = np.full(classes, 0.9)
    recall[0] = np.nan
    text = on_screen(Evaluation(0.9, recall, confusion, number_names(len(recall))), width)
    assert "…" not in text
    assert max(map(len, text.splitlines())) <= width
    rows = [line.split() for line in text.splitlines()]
    assert ["0", "0", "-"] in rows
    assert ["3", "1050", "0.9000", "7", "(100),", "9", "(50)"] in rows
    assert [str(classes - 1), "900", "0.9000"] in rows


def test_a_class_without_test_images_has_no_recall() -> None:
    absent = Evaluation(0.9, np.array([np.nan, 0.5]), np.array([[0, 0], [1, 1]]), ("0", "1"))
    for text in (on_screen(absent), to_markdown("one", {}, 0.9, absent)):
        rows = [cells(line) for line in text.splitlines()]
        assert ["0", "0", "0", "-"] in rows
        assert ["1", "1", "1", "0.5000"] in rows


def test_any_class_names_are_shown():
    names = ("recall", "true class", "a|b <i>")
    named = replace(TESTED, class_names=names)
    page = to_markdown("one", {}, 0.9, named)
    rows = [[cell.strip() for cell in row.split(" | ")] for row in page.splitlines()]
    assert any(row[0].endswith("a\\|b \\<i>") and row[1:4] == ["0", "4", "8"] for row in rows)
    assert "[red]" in on_screen(replace(TESTED, class_names=("a", "b", "[red]")))
    long = on_screen(replace(TESTED, class_names=("a" * 60, "b", "c")))
    assert max(map(len, long.splitlines())) <= 80
