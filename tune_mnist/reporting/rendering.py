"""Rendering of templates, tables and figures as HTML."""

import base64
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from tune_mnist.reporting.column_widths import TABLE_WIDTH, column_width, wraps
from tune_mnist.reporting.plotly_js import plotly_js
from tune_mnist.reporting.plots import Plot
from tune_mnist.reporting.tables import DIVERGED_CELL, Comparison, fold

_LETTERS = r"[A-Za-df-z]"
"""All letters except the e of 1e-4."""

_MAX_PLAIN = 1e9
"""Whole numbers below this are written without a decimal point."""


@dataclass(frozen=True)
class PageColumn:
    """A column of a table on the page.

    Attributes:
        heading: Heading.
        numeric: Whether its cells are numbers, which are aligned to the right.
        wraps: Whether long cells wrap.
    """

    heading: str
    numeric: bool
    wraps: bool


@dataclass(frozen=True)
class PageTable:
    """A comparison table for the page.

    Attributes:
        key: Identifier within the page.
        title: What the table compares.
        caption: One-line explanation; may be empty.
        columns: Columns from left to right.
        groups: Rows, in groups. The rows of a group have the same first cell.
        grouped: Whether the groups are shown as such.
    """

    key: str
    title: str
    caption: str
    columns: list[PageColumn]
    groups: list[list[list[str]]]
    grouped: bool


def page_table(table: Comparison) -> PageTable:
    """Return a comparison table with all its columns.

    If these do not fit the page side by side, the hyperparameters share one column.
    """
    cells = table.cells.astype(str)
    width = sum(column_width(str(heading), cells[heading]) for heading in cells)
    if width > TABLE_WIDTH and table.folded:
        cells = fold(cells)
    columns = [
        PageColumn(
            str(heading),
            numeric=not cells[heading].replace(DIVERGED_CELL, "").str.contains(_LETTERS).any(),
            wraps=wraps(cells[heading]),
        )
        for heading in cells
    ]
    rows = cells.to_numpy().tolist()
    groups: list[list[list[str]]] = [rows] if rows else []
    if table.group:
        numbers = (~table.continues()).cumsum()
        groups = [cells[numbers == number].to_numpy().tolist() for number in numbers.unique()]
    return PageTable(table.name, table.title, table.caption, columns, groups, bool(table.group))


def render(template: str, figures: Sequence[Plot], **values: Any) -> str:
    """Return a page that loads nothing from the network and runs no scripts but its own.

    Args:
        template: File name of the template.
        figures: Plots on the page.
        values: Further variables of the template.
    """
    scripts = [plotly_js(), script("sections.js"), script("theme.js"), script("report.js")]
    return (
        environment()
        .get_template(template)
        .render(
            figures=to_json(figures),
            scripts=scripts,
            script_sources=[script_source(each) for each in scripts],
            **values,
        )
    )


def environment() -> Environment:
    """Return the templates, which escape all values."""
    templates = Environment(
        loader=PackageLoader("tune_mnist.reporting"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.filters["breakable"] = _breakable
    return templates


def script(name: str) -> Markup:
    """Return one of the project's scripts for a script element."""
    loader = environment().loader
    assert loader is not None  # noqa: S101 - environment() sets it
    return Markup(loader.get_source(environment(), name)[0])  # noqa: S704 - our own code


def to_json(plots: Sequence[Plot]) -> Markup:
    """Return the figures by key as JSON for a script element.

    Numbers are rounded to five digits, as a plot shows no more.
    """
    figures = {
        plot.key: _rounded(json.loads(plot.figure.to_json()))
        for plot in plots
        if plot.figure is not None
    }
    text = json.dumps(figures, separators=(",", ":"), ensure_ascii=False)
    return Markup(text.replace("<", "\\u003c"))  # noqa: S704 - without < there is no tag in it


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        short = float(f"{value:.5g}")
        return int(short) if short.is_integer() and abs(short) < _MAX_PLAIN else short
    if isinstance(value, list):
        return [_rounded(each) for each in value]
    if isinstance(value, dict):
        return {key: _rounded(each) for key, each in value.items()}
    return value


def script_source(script: str) -> str:
    """Return the source expression that allows an inline script in a Content-Security-Policy."""
    digest = hashlib.sha256(script.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


def _breakable(heading: str) -> Markup:
    """Return a heading that may break after underscores."""
    return Markup("_<wbr>").join(escape(part) for part in heading.split("_"))
