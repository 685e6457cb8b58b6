"""The plotly.js library of the pages, reduced to the traces that they draw."""

from functools import cache
from importlib import resources

from markupsafe import Markup

FILE = "plotly-cartesian.min.js"


@cache
def plotly_js() -> Markup:
    """Return the library's code, which may stand in a page as it is.

    ``tools/update_plotly_js.py`` writes the file.
    """
    text = resources.files(__name__).joinpath(FILE).read_text(encoding="utf-8")
    return Markup(text)  # noqa: S704 - code of the package, not of a results folder
