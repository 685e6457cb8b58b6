"""Turns templates, tables and figures into pages."""

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from tune_mnist.reporting.plotly_js import plotly_js
from tune_mnist.reporting.plots import Plot
from tune_mnist.reporting.tables import Comparison

_LETTERS = r"[A-Za-df-z]"  # but for the e of 1e-4


@dataclass(frozen=True)
class PageTable:
    """A comparison table for the page."""

    title: str
    caption: str
    headings: list[str]
    rows: list[list[str]]
    numeric: list[bool]


def wide(table: Comparison) -> PageTable:
    """Return a comparison table with all its columns."""
    cells = table.cells.astype(str)
    numeric = [not cells[heading].str.contains(_LETTERS).any() for heading in cells.columns]
    return PageTable(
        table.title, table.caption, list(cells.columns), cells.to_numpy().tolist(), numeric
    )


def render(template: str, figures: Sequence[Plot], **values: Any) -> str:
    """Return a page that asks nothing of the network, and runs no script but its own.

    Args:
        template: name of its file.
        figures: plots that it shows.
        values: what the template says.
    """
    scripts = [plotly_js(), script("theme.js"), script("report.js")]
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
    """Return the templates; what they are given is escaped."""
    return Environment(
        loader=PackageLoader("tune_mnist.reporting"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def script(name: str) -> Markup:
    """Return one of our scripts, as it may stand in a page."""
    loader = environment().loader
    assert loader is not None  # noqa: S101 - set right above
    return Markup(loader.get_source(environment(), name)[0])  # noqa: S704 - our own code


def to_json(plots: Sequence[Plot]) -> Markup:
    """Return the figures by key, as JSON that may stand within a script element."""
    parts = [f'"{plot.key}": {plot.figure.to_json()}' for plot in plots if plot.figure is not None]
    text = "{" + ",\n".join(parts) + "}"
    return Markup(text.replace("<", "\\u003c"))  # noqa: S704 - no tag can be left in it


def script_source(script: str) -> str:
    """Return the source expression that allows an inline script in a Content-Security-Policy."""
    digest = hashlib.sha256(script.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"
