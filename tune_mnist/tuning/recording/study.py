"""The Optuna study of a search, stored in an append-only journal."""

from pathlib import Path

import optuna
from optuna.storages import JournalStorage

from tune_mnist.errors import UserError
from tune_mnist.files import require_file
from tune_mnist.safe_paths import path_in
from tune_mnist.tuning.recording.journal_file import JournalFile
from tune_mnist.tuning.recording.journal_lines import STUDY_NAME as STUDY_NAME
from tune_mnist.tuning.recording.study_check import check_well_formed

JOURNAL = "study.journal"
CHANCE_LEVEL = "chance_level"
"""User attribute of a study: validation accuracy that a network exceeds once it has learned."""

GUESSING_LEVEL = "guessing_level"
"""User attribute of a study: accuracy up to which a trial gets no final runs by default."""

JOURNAL_LOCK = f"{JOURNAL}.lock"
"""Lock file of the journal while Optuna writes; renamed with a suffix to release the lock."""


def open_storage(directory: Path) -> JournalStorage:
    """Open the journal in a results folder for writing.

    If an earlier writer was killed, the journal is repaired. The caller must be the only writer.
    Other processes, such as ``optuna-dashboard``, may read the journal.

    Raises:
        UserError: The file is not a journal, or a folder blocks its lock file.
    """
    path = path_in(directory, JOURNAL)
    if path.exists():
        require_file(path)
        _drop_half_line(path)
    # The folder is claimed, so a killed writer left this lock. Optuna would wait for it forever.
    lock = directory / JOURNAL_LOCK
    if lock.is_dir() and not lock.is_symlink():
        raise UserError(
            f"{lock}: the path is a folder, but Optuna must create a lock file there: remove the"
            " folder"
        )
    lock.unlink(missing_ok=True)
    return JournalStorage(JournalFile(path))


def load_study(directory: Path) -> optuna.Study:
    """Load the study in a results folder, for reading only.

    Raises:
        UserError: The folder contains no study, or a study that was not written by a search.
    """
    path = path_in(directory, JOURNAL)
    if not path.exists():
        raise UserError(
            f"{path}: the file does not exist, so the folder has no results of a search"
        )
    require_file(path)
    storage = JournalStorage(JournalFile(path))
    try:
        study = optuna.load_study(study_name=STUDY_NAME, storage=storage)
    except KeyError:
        raise UserError(f"{path}: the journal contains no study of a search") from None
    check_well_formed(study, path)
    return study


def _drop_half_line(path: Path) -> None:
    """Remove an incomplete last line, left by a driver that was killed while writing."""
    with path.open("rb+") as file:
        content = file.read()
        whole = content.rfind(b"\n") + 1
        if whole < len(content):
            file.truncate(whole)
