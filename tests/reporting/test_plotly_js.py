"""The page's copy of plotly.js."""

import re

from plotly.offline import get_plotlyjs

from tune_mnist.reporting.plotly_js import plotly_js


def major(code: str) -> int:
    return int(re.search(r"plotly\.js .*?v(\d+)", code[:300])[1])


def test_it_understands_the_figures_of_the_installed_plotly():
    """`make plotly-js` renews it."""
    assert major(plotly_js()) == major(get_plotlyjs())


def test_it_can_be_in_a_page_and_keeps_its_licence():
    assert "</script" not in plotly_js().lower()
    assert "MIT license" in plotly_js()[:300]
