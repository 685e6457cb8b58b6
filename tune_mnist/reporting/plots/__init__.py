"""Plots of a search, each with a sentence that says what it shows."""

from tune_mnist.reporting.plots.draw import Drawn, LeftOut, draw, is_key
from tune_mnist.reporting.plots.plot import Picture, Plot

__all__ = ["Drawn", "LeftOut", "Picture", "Plot", "draw", "is_key"]
