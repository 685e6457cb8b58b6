"""Rendering of page templates, tables and figures as HTML."""

import base64
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from tune_mnist.reporting.column_widths import TABLE_WIDTH, column_width, wraps
from tune_mnist.reporting.plotly_js import plotly_js
from tune_mnist.reporting.plots import Plot
from tune_mnist.reporting.tables import DIVERGED_CELL, Comparison, fold

_LETTERS = r"[A-Za-df-z]"
"""All letters except ``e``, which numbers such as 1e-4 contain."""

_MAX_PLAIN = 1e9
"""Whole numbers below this are written without a decimal point."""


@dataclass(frozen=True)
class PageColumn:
    """Column of a table on the page.

    Attributes:
        heading: Column heading.
        numeric: Whether the cells are numbers and therefore aligned to the right.
        wraps: Whether long cells wrap onto several lines.
    """

    heading: str
    numeric: bool
    wraps: bool


@dataclass(frozen=True)
class PageTable:
    """Comparison table in the form that the page template expects.

    Attributes:
        key: Identifier of the table, unique within the page.
        title: Title, which states what the table compares.
        caption: One-line explanation, which may be empty.
        columns: Columns from left to right.
        groups: Groups of rows. Each row is a list of cells. If ``grouped`` is true, all rows of a
            group have the same first cell.
        grouped: Whether the page shows the first cell only once per group.
    """

    key: str
    title: str
    caption: str
    columns: list[PageColumn]
    groups: list[list[list[str]]]
    grouped: bool

    @property
    def text(self) -> str:
        """All words of the table, one line for each heading and cell."""
        cells = (cell for group in self.groups for row in group for cell in row)
        headings = (column.heading for column in self.columns)
        return "\n".join([self.title, self.caption, *headings, *cells])


def page_table(table: Comparison) -> PageTable:
    """Convert a comparison table for the page, with all its columns.

    If the table is too wide for the page, its hyperparameters are merged into one column.
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
    return PageTable(
        table.name, table.title, table.full_caption, columns, groups, bool(table.group)
    )


def render(template: str, figures: Sequence[Plot], **values: Any) -> str:
    """Render a page that loads nothing from the network and runs no foreign scripts.

    Args:
        template: File name of the template.
        figures: Plots whose figures are embedded in the page.
        values: Further variables of the template, keyed by name.
    """
    scripts = [plotly_js(), script("sections.js"), script("theme.js"), script("report.js")]
    page = environment().get_template(template)
    return page.render(
        figures=to_json(figures),
        scripts=scripts,
        script_sources=[script_source(each) for each in scripts],
        **values,
    )


@cache
def environment() -> Environment:
    """Return the Jinja environment of the page templates, which escapes all values."""
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
    """Return the source of one of the project's scripts, for a script element of a page."""
    templates = resources.files("tune_mnist.reporting").joinpath("templates")
    return Markup(templates.joinpath(name).read_text("utf-8"))  # noqa: S704 - our own code


def to_json(plots: Sequence[Plot]) -> Markup:
    """Convert the figures of plots to JSON for a script element, keyed by plot.

    Numbers are rounded to five significant digits, which is enough for a plot.
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
    """Return the source expression that permits an inline script in a Content-Security-Policy."""
    digest = hashlib.sha256(script.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


def _breakable(heading: str) -> Markup:
    """Return a heading as HTML that can wrap after underscores."""
    return Markup("_<wbr>").join(escape(part) for part in heading.split("_"))
