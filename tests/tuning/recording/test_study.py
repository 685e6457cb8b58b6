"""Journal of a study whose writer was killed, read and written by Optuna."""

import errno
import os
import resource
import signal
from pathlib import Path

import optuna
import pytest
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend

from tests.messages import assert_refused
from tests.tuning.studies import study_in
from tune_mnist.tuning.recording.study import JOURNAL, STUDY_NAME, load_study, open_storage


def go_on(directory: Path) -> optuna.Study:
    return optuna.load_study(storage=open_storage(directory), study_name=STUDY_NAME)


def test_a_partial_line_is_ignored(tmp_path):
    study_in(tmp_path).ask()
    journal = tmp_path / JOURNAL
    whole = journal.read_bytes()
    journal.write_bytes(whole + whole.splitlines(keepends=True)[-1][:-1])
    go_on(tmp_path).ask()
    assert len(load_study(tmp_path).trials) == 2


def test_the_lock_of_a_killed_writer_does_not_block(tmp_path):
    study_in(tmp_path).ask()
    lock = tmp_path / f"{JOURNAL}.lock"
    lock.symlink_to(tmp_path / JOURNAL)
    open_storage(tmp_path)
    assert not lock.is_symlink()


@pytest.mark.parametrize("read", [load_study, open_storage])
def test_a_damaged_journal_is_named_in_one_line(tmp_path, read):
    study_in(tmp_path).ask()
    journal = tmp_path / JOURNAL
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join([b"no journal\n", *lines]))
    assert_refused([str(journal), "line 1:"], read, tmp_path)


def test_a_full_disk_leaves_no_partial_line(tmp_path):
    study = study_in(tmp_path)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    size = (tmp_path / JOURNAL).stat().st_size
    resource.setrlimit(resource.RLIMIT_FSIZE, (size + 10, hard))
    try:
        with pytest.raises(OSError, match="too large"):
            study.ask()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, handler)
    assert (tmp_path / JOURNAL).stat().st_size == size
    study.ask()
    assert len(load_study(tmp_path).trials) == 1


def test_writes_of_two_processes_are_visible_at_once(tmp_path):
    ours = study_in(tmp_path)
    ours.ask()
    theirs = optuna.load_study(
        study_name=STUDY_NAME,
        storage=JournalStorage(JournalFileBackend(str(tmp_path / JOURNAL))),
    )
    assert len(theirs.trials) == 1
    theirs.set_user_attr("note", "of a dashboard")
    assert ours.user_attrs["note"] == "of a dashboard"


def test_a_file_system_without_links_can_hold_a_study(tmp_path, monkeypatch):
    def refuse(*arguments, **options):
        raise OSError(errno.EOPNOTSUPP, os.strerror(errno.EOPNOTSUPP))

    monkeypatch.setattr(os, "symlink", refuse)
    monkeypatch.setattr(os, "link", refuse)
    study = study_in(tmp_path)
    study.tell(study.ask(), 1.0)
    assert go_on(tmp_path).best_value == 1.0
