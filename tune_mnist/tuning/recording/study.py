"""The Optuna study on disk: every trial of a search, in a journal that only ever grows."""

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
"""User attribute of a study: the val_accuracy that a network which has learned exceeds."""

JOURNAL_LOCK = f"{JOURNAL}.lock"
"""A symbolic link while Optuna writes; nothing follows it. Removed by a name that begins so."""


def open_storage(directory: Path) -> JournalStorage:
    """Open the journal in a results folder, mending what a killed writer left.

    The caller must be the only writer. Readers such as ``optuna-dashboard`` may look on.

    Raises:
        UserError: it is not a journal.
    """
    path = path_in(directory, JOURNAL)
    if path.exists():
        require_file(path)
        _drop_half_line(path)
    # Whoever held this lock is dead, or the folder would not be ours; Optuna would wait for it.
    lock = directory / JOURNAL_LOCK
    if lock.is_dir() and not lock.is_symlink():
        raise UserError(f"{lock}: is a folder, where Optuna makes a link: remove it")
    lock.unlink(missing_ok=True)
    return JournalStorage(JournalFile(path))


def load_study(directory: Path) -> optuna.Study:
    """Return the study in a results folder, to be read.

    Raises:
        UserError: there is none, or it is not one of a search.
    """
    path = path_in(directory, JOURNAL)
    if not path.exists():
        raise UserError(f"{path}: there is no such file: not the results of a search")
    require_file(path)
    storage = JournalStorage(JournalFile(path))
    try:
        study = optuna.load_study(study_name=STUDY_NAME, storage=storage)
    except KeyError:
        raise UserError(f"{path}: holds no study: nothing is known of the search") from None
    check_well_formed(study, path)
    return study


def _drop_half_line(path: Path) -> None:
    """Cut off a last line without an end: it was being written when the driver died."""
    with path.open("rb+") as file:
        content = file.read()
        whole = content.rfind(b"\n") + 1
        if whole < len(content):
            file.truncate(whole)
