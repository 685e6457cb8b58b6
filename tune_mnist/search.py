"""Command ``search``: run or resume a search."""

from typing import Any

import cloup

from tune_mnist.collector import collector_suspended
from tune_mnist.command import SpaceCommand, run, typed_command
from tune_mnist.command_options import (
    SETTINGS,
    derived,
    grouped,
    models_option,
    own,
    results_options,
)
from tune_mnist.durations import Stopwatch
from tune_mnist.errors import FAILED_RUNS, ReportedInterrupt, interrupt_message, nothing_done
from tune_mnist.notices import notice
from tune_mnist.process import import_torch, set_up_process
from tune_mnist.stop_signals import stop_signals
from tune_mnist.training.config import SEARCHABLE_HELP
from tune_mnist.tuning.options.early_check import refuse_invalid_values
from tune_mnist.tuning.options.option_fields import OptionFields
from tune_mnist.tuning.options.option_presentation import RESULTS, SEARCH_GROUPS, WHAT

_OPTIONS = (
    own(
        "--space",
        WHAT,
        "Name of a shipped search space or path of a YAML file.  [default: lenet]",
        metavar="NAME|FILE",
    ),
    models_option(WHAT),
    *results_options(RESULTS, default_name="space and time"),
    own(
        "--resume",
        RESULTS,
        "Resume the search in this results folder, by default the one named by --name.",
        is_flag=False,
        flag_value="",
        metavar="[FOLDER]",
    ),
    own(
        "--trust-stored",
        RESULTS,
        "With --resume: use the cluster address, paths and URIs stored in the results folder even"
        " if another user or machine wrote them.",
        is_flag=True,
    ),
    *derived(OptionFields),
)


@cloup.command(
    cls=SpaceCommand,
    hyperparameters=SEARCHABLE_HELP,
    params=grouped(SEARCH_GROUPS, _OPTIONS),
    context_settings=SETTINGS,
)
def search(**given: Any) -> int:
    """Run a hyperparameter search, evaluate its best trials and write a report."""
    watch = Stopwatch()
    refuse_invalid_values(given)
    set_up_process()
    try:
        with interrupt_message(lambda: nothing_done(given["resume"])):
            notice("importing Ray and PyTorch")
            # Imported late: Ray and PyTorch take seconds, too long for --help and for Ctrl-C.
            with collector_suspended():
                from tune_mnist.tuning.early_start import start_ray_early

            start_ray_early(given)
            import_torch()
            with collector_suspended():
                from tune_mnist.api.search import perform_search

        _, outcome = perform_search(typed_command("search"), watch=watch, **given)
    except ReportedInterrupt:
        return stop_signals.status
    return FAILED_RUNS if outcome.failed_final_runs else 0


if __name__ == "__main__":
    run(search)
