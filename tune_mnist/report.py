"""Command: the tables of one search, or of several (``python -m tune_mnist.report``)."""

from pathlib import Path

import click

from tune_mnist.command import models_option, run


@click.command()
@click.argument(
    "directories",
    nargs=-1,
    required=True,
    metavar="RESULTS...",
    type=click.Path(path_type=Path),
)
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    help="Folder to write to.  [default: that of a single search; several are only shown]",
)
@models_option
def report(directories: tuple[Path, ...], output: Path | None, models: tuple[str, ...]) -> None:
    """Show and write the tables of a search, or compare several.

    RESULTS are the folders of finished, interrupted or running searches.
    """
    # Optuna and PyTorch take seconds to import: neither --help nor a Ctrl-C in between should
    # meet that.
    from tune_mnist.models.user_modules import load_models
    from tune_mnist.reporting.search_report import report_searches

    load_models(models)
    report_searches(directories, output)


if __name__ == "__main__":
    run(report)
