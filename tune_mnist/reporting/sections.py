"""Sections of the report page of a search, with their tables and plots."""

from collections.abc import Sequence
from dataclasses import dataclass

from tune_mnist.reporting.glossary import Term, terms_in
from tune_mnist.reporting.plots import Drawn, LeftOut, Plot
from tune_mnist.reporting.plots.draw import COST, COURSE, EFFECTS, FINAL_PLOTS, Section
from tune_mnist.reporting.rendering import PageTable, page_table
from tune_mnist.reporting.tables import Comparison
from tune_mnist.reporting.text_format import count

BEST = "Best trials"
ABOVE_PLOTS = (
    "each is shown by its best val_accuracy, unless a plot says otherwise. Accuracy axes are"
    " logarithmic in the error."
)
"""Explanation of the plots of trials, which the page shows above them."""

ABOVE_EFFECTS = (
    "Each plot says after which epoch it compares the trials. Accuracy axes are logarithmic in the"
    " error."
)
"""Explanation of the plots of hyperparameters, which the page shows above them."""

_HEADINGS = {
    "best": BEST,
    "final": FINAL_PLOTS,
    "cost": COST,
    "effects": EFFECTS,
    "course": COURSE,
}
"""Headings of the sections, keyed by identifier, in reading order."""

_TABLES = {
    "costs": COST,
    "effects": EFFECTS,
    **dict.fromkeys(
        ("final", "differences", "ensemble", "final_runs", "recall", "confused"), FINAL_PLOTS
    ),
}
"""Heading of each table's section, keyed by table name; other tables belong to BEST."""


@dataclass(frozen=True)
class PageSection:
    """Section of the report page, with its tables and plots.

    Attributes:
        key: Identifier of the section, unique within the page.
        heading: Heading of the section.
        tables: Tables in reading order.
        plots: Plots in reading order.
        left_out: Plots that were not drawn, each with the reason.
    """

    key: str
    heading: str
    tables: list[PageTable]
    plots: list[Plot]
    left_out: list[LeftOut]

    @property
    def contents(self) -> str:
        """Number of tables and plots, such as ``1 table, 2 plots``."""
        parts = ((len(self.tables), "table"), (len(self.plots), "plot"))
        return ", ".join(count(number, noun) for number, noun in parts if number)

    def above_plots(self, evaluated: str) -> str:
        """Return the explanation of the plots, or ``""`` if they show no trials.

        Args:
            evaluated: Number of trials with a finished epoch, as text.
        """
        if not self.plots or self.heading == FINAL_PLOTS:
            return ""
        return ABOVE_EFFECTS if self.heading == EFFECTS else f"{evaluated}; {ABOVE_PLOTS}"

    @property
    def terms(self) -> list[Term]:
        """Terms that the tables and plots use, each with its explanation."""
        shown = [f"{plot.title}\n{plot.sentence}" for plot in self.plots]
        return terms_in(*(table.text for table in self.tables), self.above_plots(""), *shown)


def page_sections(
    tables: Sequence[Comparison], drawn: Drawn, first: Plot | None
) -> list[PageSection]:
    """Distribute tables and plots to the sections of the page. Empty sections are omitted.

    Args:
        tables: Comparison tables in reading order.
        drawn: Plots of the search.
        first: Plot that the page shows above all sections, and therefore not in a section, or
            None.
    """
    sections = []
    for key, heading in _HEADINGS.items():
        found = drawn.sections.get(heading, Section([], []))
        of_section = [table for table in tables if _TABLES.get(table.name, BEST) == heading]
        plots = [plot for plot in found.plots if plot is not first]
        if of_section or plots or found.left_out:
            shown = [page_table(table) for table in of_section]
            sections.append(PageSection(key, heading, shown, plots, found.left_out))
    return sections


def first_plot(drawn: Drawn, models: int) -> Plot | None:
    """Return the plot that gives the best overview of a search, to be shown first.

    Args:
        drawn: Plots of the search.
        models: Number of architectures with at least one finished epoch.

    Returns:
        Accuracy against training time if there are several architectures, otherwise the learning
        curves. None if no trial has finished an epoch.
    """
    plots = {plot.key: plot for plot in drawn.plots}
    keys = ("cost-time", "history") if models > 1 else ("curves", "history")
    return next((plots[key] for key in keys if key in plots), None)
