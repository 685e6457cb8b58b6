"""The user's private folder for Ray's files, with a path short enough for sockets."""

import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.messages import assert_refused
from tune_mnist import private_folder as module
from tune_mnist.private_folder import MAX_SOCKET_PATH, SESSION_PATH, private_folder

SHORT = "/tmp"  # noqa: S108


@pytest.fixture
def place(monkeypatch) -> Iterator[Path]:
    """Short path for temporary files; the paths of pytest's are too long for sockets."""
    folder = Path(tempfile.mkdtemp(prefix="t", dir=SHORT))
    monkeypatch.delenv("RAY_TMPDIR", raising=False)
    monkeypatch.setenv("TMPDIR", str(folder))
    yield folder
    shutil.rmtree(folder)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


def test_the_folder_is_in_tmpdir_and_private(place):
    folder = private_folder()
    assert folder.parent == place
    assert mode(folder) == 0o700
    assert private_folder() == folder
    assert list(folder.iterdir()) == []


def test_permissions_of_an_existing_folder_are_restricted(place):
    folder = private_folder()
    folder.chmod(0o777)
    assert private_folder() == folder
    assert mode(folder) == 0o700


def test_rays_own_variable_takes_precedence(place, monkeypatch):
    monkeypatch.setenv("RAY_TMPDIR", str(place))
    monkeypatch.setenv("TMPDIR", SHORT)
    assert private_folder().parent == place


def test_a_link_in_place_of_the_folder_is_not_followed(place, tmp_path):
    tmp_path.chmod(0o755)
    (place / f"ray-{os.getuid()}").symlink_to(tmp_path)
    folder = private_folder()
    assert folder.parent == place
    assert not folder.is_symlink()
    assert mode(folder) == 0o700
    assert mode(tmp_path) == 0o755


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give a folder to another user")
def test_a_folder_of_another_user_is_not_used(place):
    taken = place / f"ray-{os.getuid()}"
    taken.mkdir(0o777)
    os.chown(taken, 54321, 54321)
    folder = private_folder()
    assert folder != taken
    assert folder.parent == place
    assert folder.lstat().st_uid == os.getuid()


@pytest.mark.parametrize(
    "name",
    ["slurm_job_1355700/local_tmp_directory_of_a_user_0016", "mit ä", "it's", "file", "none/here"],
)
def test_a_tmpdir_that_ray_cannot_use_is_skipped(place, monkeypatch, name):
    unfit = place / name
    if name == "file":
        unfit.touch()
    elif name != "none/here":
        unfit.mkdir(parents=True)
    before = set(place.rglob("*"))
    monkeypatch.setenv("TMPDIR", str(unfit))
    folder = private_folder()
    assert place not in folder.parents
    assert len(str(folder)) + SESSION_PATH <= MAX_SOCKET_PATH
    assert set(place.rglob("*")) == before


def test_the_error_for_no_usable_folder_names_tmpdir_and_each_reason(place, monkeypatch):
    monkeypatch.setenv("TMPDIR", "/sys")
    monkeypatch.setattr(module, "MAX_SOCKET_PATH", 20)
    assert_refused(["TMPDIR /sys", "/var/tmp"], private_folder)  # noqa: S108
