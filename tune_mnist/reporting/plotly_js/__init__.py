"""The plotly.js library, reduced to the trace types that the pages use."""

from functools import cache
from importlib import resources

from markupsafe import Markup

FILE = "plotly-cartesian.min.js"


@cache
def plotly_js() -> Markup:
    """Return the source of the JavaScript library, which needs no escaping in a page.

    The library is built by ``tools/update_plotly_js.py``.
    """
    text = resources.files(__name__).joinpath(FILE).read_text(encoding="utf-8")
    return Markup(text)  # noqa: S704 - code of the package, not of a results folder
