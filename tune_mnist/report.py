"""Command ``report``: print and write the report of a search, or compare several searches."""

from pathlib import Path

import click
import cloup

from tune_mnist.command import run
from tune_mnist.command_options import SETTINGS, grouped, models_option, own
from tune_mnist.notices import notice
from tune_mnist.process import import_torch

_GROUPS = ("Options",)
FOLDERS = cloup.Argument(
    ["directories"],
    nargs=-1,
    required=True,
    metavar="RESULTS...",
    type=click.Path(path_type=Path),
    help="Folders of finished, interrupted or running searches.",
)
_OPTIONS = (
    own(
        "--output",
        _GROUPS[0],
        "Folder to write to.  [default: the folder of a single search; a comparison is only"
        " printed]",
        type=click.Path(path_type=Path),
        metavar="FOLDER",
    ),
    models_option(_GROUPS[0]),
)


@cloup.command(params=[FOLDERS, *grouped(_GROUPS, _OPTIONS)], context_settings=SETTINGS)
def report(directories: tuple[Path, ...], output: Path | None, models: tuple[str, ...]) -> None:
    """Print and write the report of a search, or compare several searches."""
    notice("reading the results")
    # Imported late: Optuna and PyTorch take seconds, too long for --help and for Ctrl-C.
    import_torch()
    from tune_mnist.models.user_modules import load_models
    from tune_mnist.reporting.search_report import report_searches

    load_models(models)
    report_searches(directories, output)


if __name__ == "__main__":
    run(report)
