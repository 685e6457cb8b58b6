"""The Optuna study on disk: every trial of a search, in a journal that only ever grows."""

from pathlib import Path

import optuna
from optuna.storages import JournalStorage

from tune_mnist.errors import UserError
from tune_mnist.safe_paths import path_in
from tune_mnist.tuning.recording.journal_file import JournalFile

STUDY_NAME = "tune_mnist"
JOURNAL = "study.journal"
JOURNAL_LOCK = f"{JOURNAL}.lock"
"""A symbolic link while Optuna writes; nothing follows it. Removed by a name that begins so."""


def open_storage(directory: Path) -> JournalStorage:
    """Open the journal in a results folder, mending what a killed writer left.

    The caller must be the only writer. Readers such as ``optuna-dashboard`` may look on.

    Raises:
        UserError: it is not a journal.
    """
    path = path_in(directory, JOURNAL)
    _drop_half_line(path)
    # Whoever held this lock is dead, or the folder would not be ours; Optuna would wait for it.
    lock = directory / JOURNAL_LOCK
    if lock.is_dir() and not lock.is_symlink():
        raise UserError(f"{lock}: is a folder, where Optuna makes a link: remove it")
    lock.unlink(missing_ok=True)
    try:
        return JournalStorage(JournalFile(path))
    except (ValueError, KeyError) as error:
        raise UserError(f"{path}: not a journal of Optuna, or damaged: {error}") from None


def load_study(directory: Path) -> optuna.Study:
    """Return the study in a results folder, to be read.

    Raises:
        UserError: there is none.
    """
    path = path_in(directory, JOURNAL)
    if not path.is_file():
        raise UserError(f"{path}: there is no such file: not the results of a search")
    try:
        storage = JournalStorage(JournalFile(path))
        return optuna.load_study(study_name=STUDY_NAME, storage=storage)
    except (ValueError, KeyError) as error:
        raise UserError(f"{path}: not a journal of Optuna, or damaged: {error}") from None


def _drop_half_line(path: Path) -> None:
    """Cut off a last line without an end: it was being written when the driver died."""
    if not path.exists():
        return
    with path.open("rb+") as file:
        content = file.read()
        whole = content.rfind(b"\n") + 1
        if whole < len(content):
            file.truncate(whole)
