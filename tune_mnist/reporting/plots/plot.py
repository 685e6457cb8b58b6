"""What a plot is: a figure or pictures, a title, and what it says."""

from dataclasses import dataclass, field

import plotly.graph_objects as go

# Okabe and Ito's colours, some darkened or lightened so that each has a contrast of 3:1 or more
# both on white and on the dark page.
BLUE = "#2b7bba"
ORANGE = "#c77700"
GREEN = "#0a9a73"
PURPLE = "#b05da8"
GREY = "#7b848c"
COLOURS = (BLUE, ORANGE, GREEN, PURPLE, GREY)
SYMBOLS = ("circle", "square", "diamond", "triangle-up", "x")

LOW_TO_HIGH = [[0.0, ORANGE], [0.5, GREY], [1.0, BLUE]]
"""A colour scale for points and lines, to be told from the page everywhere."""

HEIGHT = 360


@dataclass(frozen=True)
class Picture:
    """A small image with what there is to say about it.

    Attributes:
        uri: the image itself, as a data URI.
        caption: a few words.
    """

    uri: str
    caption: str


@dataclass(frozen=True)
class Plot:
    """A plot of a search.

    Attributes:
        key: its name in addresses and files, unlike that of any other plot of the search.
        title: what it is.
        sentence: what this one shows, from the data.
        figure: the plot, without a title; None if it consists of pictures.
        pictures: in the order of reading.
    """

    key: str
    title: str
    sentence: str
    figure: go.Figure | None = None
    pictures: tuple[Picture, ...] = field(default=())


class CannotDrawError(Exception):
    """A plot would show nothing, for the reason given."""


def tidied(figure: go.Figure, *, height: int = HEIGHT) -> go.Figure:
    """Prepare a figure for the page, which gives it a title, a width, and its colours by theme.

    Args:
        figure: changed in place, and returned.
        height: in pixels.
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
