"""Plot of the page: figure or pictures, with title and description."""

from dataclasses import dataclass
from typing import Any

import plotly.graph_objects as go

# Okabe and Ito's colours. Some are darkened or lightened so that each has a contrast of at least
# 3:1 on the light and on the dark page.
BLUE = "#2b7bba"
ORANGE = "#c77700"
GREEN = "#0a9a73"
PURPLE = "#b05da8"
GREY = "#7b848c"
COLOURS = (BLUE, ORANGE, GREEN, PURPLE, GREY)
SYMBOLS = ("circle", "square", "diamond", "triangle-up", "x")

LOW_TO_HIGH = [[0.0, ORANGE], [0.5, GREY], [1.0, BLUE]]
"""Colour scale for accuracies, with enough contrast on the light and on the dark page."""

FIRST_TO_LAST = [[0.0, GREY], [1.0, PURPLE]]
"""Colour scale for numbers of trials, which is not to be taken for one of accuracies."""

HEIGHT = 360


@dataclass(frozen=True)
class Picture:
    """Small image on the report page, with a caption.

    Attributes:
        uri: Image as a data URI.
        caption: Caption, a few words long.
    """

    uri: str
    caption: str


@dataclass(frozen=True)
class Plot:
    """Plot on the report page.

    Attributes:
        key: Identifier in links and file names, unique among the plots of a search.
        title: Title of the plot.
        sentence: One or more sentences that describe what the plot shows.
        figure: Figure without a title. None if the plot consists of images.
        pictures: Images in reading order.
    """

    key: str
    title: str
    sentence: str
    figure: go.Figure | None = None
    pictures: tuple[Picture, ...] = ()


class CannotDrawError(Exception):
    """Raised if a plot would show nothing. The message gives the reason."""


def marker(index: int, *, size: int = 9, hollow: bool = False) -> dict[str, Any]:
    """Return plotly's options for the points of the n-th group, the same in all plots."""
    colour, symbol = COLOURS[index % len(COLOURS)], SYMBOLS[index % len(SYMBOLS)]
    if hollow:
        return {"color": colour, "symbol": f"{symbol}-open", "size": size, "line": {"width": 2}}
    return {"color": colour, "symbol": symbol, "size": size}


def tidied(figure: go.Figure, *, height: int = HEIGHT) -> go.Figure:
    """Set the layout of a figure. Title, width and theme colours are added by the page.

    Args:
        figure: Figure, which is changed in place and returned.
        height: Height in pixels.
    """
    figure.update_layout(
        title=None,
        template="none",
        height=height,
        autosize=True,
        plot_bgcolor=None,
        margin={"l": 12, "r": 12, "t": 34, "b": 12},
        legend={"orientation": "h", "x": 0, "xanchor": "left", "y": 1.02, "yanchor": "bottom"},
        hovermode="closest",
    )
    figure.update_xaxes(automargin=True, title_standoff=8)
    figure.update_yaxes(automargin=True, title_standoff=8)
    return figure
