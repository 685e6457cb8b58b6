"""Searches from Python and from the command ``search``."""

import threading
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from tune_mnist.api.calls import (
    Images,
    Models,
    checked_images,
    data_options,
    load_networks,
    python_call,
    require_known,
)
from tune_mnist.console import print_line, report_console
from tune_mnist.data import Dataset
from tune_mnist.durations import Stopwatch
from tune_mnist.errors import ReportedInterrupt, UserError, interrupt_message, nothing_done
from tune_mnist.files import absolute
from tune_mnist.models.user_modules import repeated_flags
from tune_mnist.process import process_restored
from tune_mnist.reporting.preload import preload
from tune_mnist.results import new_results, results_directory
from tune_mnist.stop_signals import stop_signals
from tune_mnist.training.config import SEARCHABLE_HELP
from tune_mnist.tuning.experiment import run_experiment
from tune_mnist.tuning.options.search_options import SearchOptions
from tune_mnist.tuning.results_folder.experiment_file import (
    EXPERIMENT_FILE,
    Experiment,
    read_experiment,
)
from tune_mnist.tuning.results_folder.resuming import next_step, require_repeated
from tune_mnist.tuning.results_folder.trust import only_stored
from tune_mnist.tuning.running.stop_reason import Outcome, StopReason
from tune_mnist.tuning.spaces.space import SearchSpace, load_space
from tune_mnist.tuning.spaces.space_dict import space_from_dict

if TYPE_CHECKING:
    from tune_mnist.api.results import SearchResults

DEFAULT_SPACE = "lenet"
OUTPUT_DIR = Path("results")

_REMEDIES = {
    StopReason.DISK_FULL: "free space on the disk, then",
    StopReason.STORAGE_LOST: "when it is reachable again,",
}

_running = threading.Lock()


def run_search(
    space: str | Path | Mapping[str, Any] | None = None,
    dataset: Images | None = None,
    *,
    name: str | None = None,
    output_dir: str | Path = OUTPUT_DIR,
    models: Models = (),
    resume: str | Path | None = None,
    trust_stored: bool = False,
    console: Console | None = None,
    **options: Any,
) -> "SearchResults":
    """Run or resume a search, like the command ``python -m tune_mnist.search``.

    Progress and tables are printed during the search. If this process is connected to Ray
    (``ray.is_initialized()``), the search uses this connection and leaves it open. Otherwise, the
    search starts Ray on this machine and stops it at the end, or connects to ``address`` and
    disconnects at the end. A process can run only one search at a time.

    Args:
        space: Name of a shipped space, path of a space file, or content of a space file as a dict.
            If None, ``"lenet"`` is used, or with ``resume`` the space of the resumed search.
        dataset: Name of a data set, path of a folder or .npz file, a ``Dataset``, or the arrays
            (x_train, y_train, x_test, y_test). If None, ``"mnist"`` is used, or with ``resume``
            the data set of the resumed search.
        name: Name of the results folder. If None, it consists of the name of the space and the
            time.
        output_dir: Parent folder of the results folders. It is created if it does not exist.
        models: Python files or modules that register your own networks, which are sent to the
            workers. Not needed for networks registered by the calling program.
        resume: Results folder of a search to resume. Other options change the settings of this
            search. A ``Dataset`` or arrays must be passed again.
        trust_stored: With ``resume``, whether to use the addresses, paths and URIs stored in the
            folder even if another user or machine wrote them.
        console: Console for progress and tables. If None, standard output or the notebook cell is
            used.
        options: Options of the command, with underscores. They are the fields of
            ``SearchOptions``, for example ``num_samples=16`` (trials), ``max_epochs=9``,
            ``time_budget=600`` (seconds) or ``seed=0``. If None, the default is used.

    Returns:
        Results of the search, as returned by ``load_results``.

    Raises:
        UserError: An option is unknown or invalid, there are too few resources, the disk is full,
            or the storage of the checkpoints is unreachable. Finished work is kept in the folder.
        KeyboardInterrupt: The search was interrupted by Ctrl-C or by stopping the notebook cell.
            The results so far are in the folder, and ``resume`` continues the search.
    """
    given: dict[str, Any] = {
        "space": space,
        "dataset": dataset,
        "name": name,
        "output_dir": None if Path(output_dir) == OUTPUT_DIR else output_dir,
        "models": models or None,
        "resume": resume,
        "trust_stored": trust_stored or None,
    }
    directory, outcome = perform_search(
        python_call("run_search", given | options),
        space=space,
        dataset=dataset,
        name=name,
        output_dir=Path(output_dir),
        models=models,
        resume=resume,
        trust_stored=trust_stored,
        console=console,
        **options,
    )
    # Imported late: plotting takes two seconds, by which the first trial would be delayed.
    from tune_mnist.api.results import load_results

    results = load_results(directory)
    results.failed_final_runs = outcome.failed_final_runs
    return results


def perform_search(
    command: str,
    *,
    space: str | Path | Mapping[str, Any] | None = None,
    dataset: Images | None = None,
    name: str | None = None,
    output_dir: Path = OUTPUT_DIR,
    models: Models = (),
    resume: str | Path | None = None,
    trust_stored: bool = False,
    console: Console | None = None,
    watch: Stopwatch | None = None,
    **options: Any,
) -> tuple[Path, Outcome]:
    """Run or resume a search for the command ``search`` or for ``run_search``.

    Args:
        command: Command line or Python call of the user, to be recorded in the results.
        space: Search space, as in ``run_search``.
        dataset: Data set, as in ``run_search``.
        name: Name of the results folder.
        output_dir: Parent folder of the results folders.
        models: Python files or modules that register the user's networks.
        resume: Results folder of the search to resume. If empty, the search called ``name`` is
            resumed.
        trust_stored: Whether to use addresses, paths and URIs stored in the folder.
        console: Console for progress and tables.
        watch: Stopwatch started with the command. If None, time is measured from this call.
        options: Option values, keyed by field of ``SearchOptions``.

    Returns:
        Results folder of the search, and its outcome.

    Raises:
        UserError: See ``run_search``.
        KeyboardInterrupt: The search was interrupted. The results obtained so far are saved.
    """
    watch = watch or Stopwatch()
    earlier: Experiment | None = None
    place: AbstractContextManager[Path]
    with _alone(), process_restored():
        with interrupt_message(lambda: nothing_done(resume)):
            load_networks(models)  # before reading a space or a folder that names the networks
            require_known(options, SearchOptions, hyperparameters=SEARCHABLE_HELP)
            console = report_console() if console is None else console
            checked = None
            if dataset is not None:
                checked = checked_images(
                    dataset, options.get("data_dir"), transpose=options.get("transpose")
                )
            images = checked if isinstance(checked, Dataset) else None
            given = options | data_options(checked)
            if resume is None:
                if trust_stored:
                    raise UserError("--trust-stored must be used together with --resume")
                chosen = _space(DEFAULT_SPACE if space is None else space)
                settings = SearchOptions.for_space(chosen, **given)
                place = new_results(output_dir, name, chosen.name)
            else:
                directory = _folder_to_resume(str(resume), name, output_dir)
                earlier = read_experiment(directory)
                chosen = earlier.search_space(directory)
                _require_same_space(space, earlier, directory)
                earlier.stored_options(directory, chosen)  # reports damage of the file
                if not trust_stored:
                    require_repeated(directory, earlier, given)
                elif stored := only_stored(earlier.options, given):
                    print_line(console, f"from {directory / EXPERIMENT_FILE}: {stored}")
                settings = earlier.options_with(chosen, given)
                place = nullcontext(directory)
        # The tables at the end take seconds, too.
        with (
            place as directory,
            stop_signals.before_forced_end(lambda: next_step(directory)),
            interrupt_message(lambda: next_step(directory)),
        ):
            outcome = run_experiment(
                chosen,
                settings,
                directory,
                console,
                command,
                earlier,
                images,
                frozenset(key for key, value in given.items() if value is not None),
                watch,
                preload,
            )
            # Imported late: plotting takes two seconds, by which the first trial would be delayed.
            from tune_mnist.reporting.search_end import report_search_end

            report_search_end(console, directory, outcome, watch)
    if outcome.stop_reason is StopReason.INTERRUPTED:
        raise ReportedInterrupt
    if remedy := _REMEDIES.get(outcome.stop_reason):
        raise UserError(
            f"{outcome.detail}: {remedy} continue with --resume {directory}{repeated_flags()}"
            " (finished work is kept)"
        )
    return directory, outcome


@contextmanager
def _alone() -> Iterator[None]:
    """Refuse a second search in this process, as signal handlers and Ray's settings are global."""
    if not _running.acquire(blocking=False):
        raise UserError("another search is running in this process: wait until it ends")
    try:
        yield
    finally:
        _running.release()


def _space(space: str | Path | Mapping[str, Any]) -> SearchSpace:
    if isinstance(space, Mapping):
        return space_from_dict(space)
    if not isinstance(space, str | Path):
        raise UserError(f"space must be a name, a path or a dict, but is {type(space).__name__}")
    return load_space(str(space))


def _require_same_space(
    space: str | Path | Mapping[str, Any] | None, earlier: Experiment, directory: Path
) -> None:
    if space is None or _space(space).text == earlier.space.text:
        return
    named = "" if isinstance(space, Mapping) else f" {space}"
    raise UserError(
        f"--space{named} differs from the space {earlier.space.name} stored in {directory}:"
        " omit the option, or start a new search"
    )


def _folder_to_resume(resume: str, name: str | None, output_dir: Path) -> Path:
    if resume and name:
        raise UserError(
            f"--resume {resume} --name {name}: give either the folder or the name, not both"
        )
    if not resume and not name:
        raise UserError(
            "--resume requires the folder of a search, or the name of the search in --name"
        )
    return absolute(Path(resume)) if resume else results_directory(output_dir, str(name))
