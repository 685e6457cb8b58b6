"""A search from its options to its results: what ``run_search`` and the command do."""

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
    require_one_source,
)
from tune_mnist.console import report_console
from tune_mnist.data import Dataset
from tune_mnist.errors import ReportedInterrupt, UserError
from tune_mnist.files import absolute
from tune_mnist.models.user_modules import repeated_flags
from tune_mnist.process import process_restored
from tune_mnist.results import new_results, results_directory
from tune_mnist.tuning.experiment import run_experiment
from tune_mnist.tuning.options.search_options import SearchOptions
from tune_mnist.tuning.results_folder.experiment_file import (
    EXPERIMENT_FILE,
    Experiment,
    read_experiment,
)
from tune_mnist.tuning.results_folder.trust import only_stored
from tune_mnist.tuning.running.stop_reason import StopReason
from tune_mnist.tuning.spaces.space import SearchSpace, load_space
from tune_mnist.tuning.spaces.space_dict import space_from_dict

if TYPE_CHECKING:
    from tune_mnist.api.results import SearchResults

DEFAULT_SPACE = "lenet"
OUTPUT_DIR = Path("results")

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
    """Run or resume a search, as the command ``python -m tune_mnist.search`` does.

    Progress and tables are printed as the search goes. If this process is connected to Ray
    (``ray.is_initialized()``), the search runs there and leaves that Ray running; otherwise it
    starts a Ray of its own on this machine, or connects to ``address``, and ends it or disconnects
    afterwards. One search runs in a process at a time.

    Args:
        space: Name of a shipped space, path of a space file, or the content of one as a dict.
            None: ``"lenet"``, or with ``resume`` the space of that search.
        dataset: Name of a data set, path of a folder or .npz file, a ``Dataset``, or the
            arrays (x_train, y_train, x_test, y_test). None: ``"mnist"``, or with ``resume`` the
            data set of that search.
        name: Name of the results folder. None: space and time.
        output_dir: Folder that holds the results folders; made if need be.
        models: Python files or modules with networks of your own, which are sent to the workers.
            Networks that the calling program registers itself need nothing here.
        resume: Results folder of the search to resume; the other options change it. A
            search on a ``Dataset`` or arrays needs them again.
        trust_stored: With ``resume``: whether to use the addresses, paths and URIs that the folder
            names, though this user did not write it on this machine.
        console: Console for progress and tables. None: standard output, or the notebook's cell.
        options: The command's options with underscores, each a field of ``SearchOptions``, for
            example ``num_samples=16`` (trials), ``max_epochs=9``, ``time_budget=600`` (seconds),
            ``seed=0``. None: not given.

    Returns:
        The results, as ``load_results`` reads them from the folder.

    Raises:
        UserError: An option is unknown or wrong, the resources do not suffice, the disk is full,
            or the storage of the checkpoints is lost. What has ended is kept in the folder.
        KeyboardInterrupt: The search was interrupted (Ctrl-C, or the notebook's stop button). Its
            results so far are in the folder; ``resume`` continues it.
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
    return perform_search(
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
    **options: Any,
) -> "SearchResults":
    """Run or resume a search.

    Args:
        command: Command or call of the user, for the record.
        space: As for ``run_search``, like all that follow.
        dataset: Data set.
        name: Name of the results folder.
        output_dir: Folder that holds the results folders.
        models: Modules with networks of the user's own.
        resume: Results folder to resume; empty: that of ``name``.
        trust_stored: Whether to use what the folder names.
        console: Console for progress and tables.
        options: Fields of SearchOptions.

    Raises:
        UserError: As for ``run_search``.
        KeyboardInterrupt: The search was interrupted; its results so far are written.
    """
    earlier: Experiment | None = None
    place: AbstractContextManager[Path]
    with _alone(), process_restored():
        load_networks(models)  # before a space or a folder may name one of them
        require_known(options, SearchOptions)
        console = report_console() if console is None else console
        dataset = None if dataset is None else checked_images(dataset)
        if dataset is not None:
            require_one_source(
                dataset, options.get("data_dir"), transpose=options.get("transpose")
            )
        images = dataset if isinstance(dataset, Dataset) else None
        given = options | data_options(dataset)
        if resume is None:
            if trust_stored:
                raise UserError("--trust-stored: only a search to --resume has stored values")
            chosen = _space(DEFAULT_SPACE if space is None else space)
            settings = SearchOptions.for_space(chosen, **given)
            place = new_results(output_dir, name, chosen.name)
        else:
            directory = _folder_to_resume(str(resume), name, output_dir)
            earlier = read_experiment(directory)
            chosen = earlier.search_space(directory)
            _require_same_space(space, earlier, directory)
            earlier.stored_options(directory, chosen)  # a mistake in the file is not the user's
            if not trust_stored:
                earlier.require_repeated(directory, given)
            elif stored := only_stored(earlier.options, given):
                line = f"from {directory / EXPERIMENT_FILE}: {stored}"
                console.print(line, markup=False, soft_wrap=True)
            settings = earlier.options_with(chosen, given)
            place = nullcontext(directory)
        with place as directory:
            outcome = run_experiment(
                chosen, settings, directory, console, command, earlier, images
            )
            # Imported here: tables and plots take two seconds that the first trial need not wait.
            from tune_mnist.reporting.search_end import report_search_end

            report_search_end(console, directory, outcome)
    if outcome.stop_reason is StopReason.INTERRUPTED:
        raise ReportedInterrupt
    if outcome.stop_reason is StopReason.DISK_FULL:
        raise UserError(
            f"{outcome.detail}: make room, then go on with --resume"
            f" {directory}{repeated_flags()}; all that has ended is kept"
        )
    if outcome.stop_reason is StopReason.STORAGE_LOST:
        raise UserError(
            f"{outcome.detail}: once it can be reached, go on with --resume"
            f" {directory}{repeated_flags()}; all that has ended is kept"
        )
    from tune_mnist.api.results import load_results

    return load_results(directory)


@contextmanager
def _alone() -> Iterator[None]:
    """Refuse a second search in the same process: signals and Ray's settings are the process's."""
    if not _running.acquire(blocking=False):
        raise UserError("another search is running in this process: wait for its end")
    try:
        yield
    finally:
        _running.release()


def _space(space: str | Path | Mapping[str, Any]) -> SearchSpace:
    if isinstance(space, Mapping):
        return space_from_dict(space)
    if not isinstance(space, str | Path):
        raise UserError(f"space: is {type(space).__name__}: must be a name, a path or a dict")
    return load_space(str(space))


def _require_same_space(
    space: str | Path | Mapping[str, Any] | None, earlier: Experiment, directory: Path
) -> None:
    if space is None or _space(space).text == earlier.space.text:
        return
    named = "" if isinstance(space, Mapping) else f" {space}"
    raise UserError(
        f"--space{named}: differs from the space {earlier.space.name} that {directory} was begun"
        " with: leave the option out, or begin another search"
    )


def _folder_to_resume(resume: str, name: str | None, output_dir: Path) -> Path:
    if resume and name:
        raise UserError(f"--resume {resume} --name {name}: give the folder or the name, not both")
    if not resume and not name:
        raise UserError("--resume: which search? give its folder, or its --name")
    return absolute(Path(resume)) if resume else results_directory(output_dir, str(name))
