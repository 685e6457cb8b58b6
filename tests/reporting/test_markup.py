"""Escaping of untrusted text in Markdown and LaTeX."""

import io

import pandas as pd
import pytest

from tune_mnist.reporting.markup import latex, markdown, markdown_code
from tune_mnist.reporting.summary import page
from tune_mnist.reporting.tables import comparison

EVIL = (
    "x\n# Heading\n<script>alert(1)</script> ![a](http://b) | \\input{/etc/passwd} ^^5c~ `c`"
    " \x1b[2J"
)


def test_text_adds_no_heading_tag_link_or_column_to_markdown() -> None:
    shown = markdown(EVIL)
    assert "\n" not in shown
    assert "\x1b" not in shown
    for start in ("<", "[", "|", "`"):
        assert all(before == "\\" for before in (part[-1:] for part in shown.split(start)[:-1]))
    assert markdown("val_accuracy 0.98 ± 0.01, 10%") == "val_accuracy 0.98 ± 0.01, 10%"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("search --name x", "`search --name x`"),
        ("a `b` c", "`` a `b` c ``"),
        ("``` a", "```` ``` a ````"),
        ("a\n# b", "`a # b`"),
    ],
)
def test_a_command_cannot_close_its_code_span(text: str, code: str) -> None:
    assert markdown_code(text) == code


def test_text_adds_no_command_to_latex() -> None:
    assert latex("\\input{x} 10%") == r"\textbackslash{}input\{x\} 10\%"
    assert latex("^^5cinput") == r"\textasciicircum{}\textasciicircum{}5cinput"


def test_text_in_cells_changes_no_rows_or_columns() -> None:
    rows = pd.DataFrame({"search": [EVIL, "b"], "model": ["lenet", EVIL]})
    table = comparison("best", "Best", rows, ("search", "model"))
    lines = table.to_markdown().splitlines()
    assert lines[0] == "## Best"
    assert len(lines) == 6
    for line in lines[2:]:
        assert line.replace("\\|", "").count("|") == 3
    text = table.to_latex(EVIL)
    assert "\\input" not in text
    assert "^^" not in text
    assert "\x1b" not in text
    assert pd.read_csv(io.StringIO(table.to_csv()))["search"][0] == EVIL


def test_the_name_of_a_search_adds_no_heading() -> None:
    assert page("Search <b>\n# x", [], []).splitlines()[:2] == [r"# Search \<b> # x", ""]
