"""Command: the tables of one search, or of several (``python -m tune_mnist.report``)."""

from pathlib import Path

import click
import cloup

from tune_mnist.command import run
from tune_mnist.command_options import SETTINGS, grouped, models_option, own

GROUPS = ("Options",)
FOLDERS = cloup.Argument(
    ["directories"],
    nargs=-1,
    required=True,
    metavar="RESULTS...",
    type=click.Path(path_type=Path),
    help="Folders of finished, interrupted or running searches.",
)
OPTIONS = (
    own(
        "--output",
        GROUPS[0],
        "Folder to write to.  [default: that of a single search; several are only shown]",
        type=click.Path(path_type=Path),
        metavar="FOLDER",
    ),
    models_option(GROUPS[0]),
)


@cloup.command(params=[FOLDERS, *grouped(GROUPS, OPTIONS)], context_settings=SETTINGS)
def report(directories: tuple[Path, ...], output: Path | None, models: tuple[str, ...]) -> None:
    """Show and write the tables of a search, or compare several."""
    # Optuna and PyTorch take seconds to import: neither --help nor a Ctrl-C in between should
    # meet that.
    from tune_mnist.models.user_modules import load_models
    from tune_mnist.reporting.search_report import report_searches

    load_models(models)
    report_searches(directories, output)


if __name__ == "__main__":
    run(report)
