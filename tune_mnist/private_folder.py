"""A short folder for Ray's files that no other user of the machine can enter."""

import os
import re
import socket
import stat
import sys
import tempfile
from pathlib import Path
from uuid import uuid4

from tune_mnist.errors import UserError

# Linux and macOS bound the path of a socket (ray-project/ray#7945); Ray's longest is below the
# folder: ray/session_<date>_<time>_<microseconds>_<process>/sockets/dash_TaskEventsHead
MAX_SOCKET_PATH = 103 if sys.platform == "darwin" else 107
SESSION_PATH = len("/ray/session_2026-01-01_00-00-00_000000_4194304/sockets/dash_TaskEventsHead")
# Ray 2.60 writes paths in ASCII, and takes a command apart at quotes.
_PLAIN = re.compile(r"[A-Za-z0-9._/+=,@-]+")


def private_folder() -> Path:
    """Return the folder for the files of a Ray on this machine; make it if need be.

    It is ``ray-<user number>`` in the first of these that is usable: RAY_TMPDIR, TMPDIR, ``/tmp``,
    ``/var/tmp``. Where another user has taken that name, it is a new one.

    Raises:
        UserError: No place is usable; names them.
    """
    complaints = []
    for source, place in _places():
        try:
            return _made_in(place)
        except OSError as error:
            reason = error.strerror or str(error)
            complaints.append(f"{source}{place}: {reason}")
    longest = MAX_SOCKET_PATH - SESSION_PATH - len(f"/ray-{_user()}")
    raise UserError(
        f"no folder for the files of Ray: {'; '.join(complaints)}: set TMPDIR to a folder that"
        f" you can write into, on a local disk, with a path of at most {longest} characters"
    )


def _places() -> list[tuple[str, Path]]:
    named = [(f"{name} ", os.environ.get(name)) for name in ("RAY_TMPDIR", "TMPDIR")]
    places = [(source, Path(place).absolute()) for source, place in named if place]
    return [*places, ("", Path("/tmp")), ("", Path("/var/tmp"))]  # noqa: S108


def _made_in(place: Path) -> Path:
    """Return the private folder in a place.

    Raises:
        OSError: The place cannot hold it.
    """
    if not _PLAIN.fullmatch(str(place)):
        raise OSError("must be of letters, digits and ._/+=,@- for Ray")
    folder = place / f"ray-{_user()}"
    if len(str(folder)) + SESSION_PATH > MAX_SOCKET_PATH:
        raise OSError("too long for the sockets of Ray")
    try:
        folder.mkdir(mode=0o700)
    except FileExistsError:
        if not _is_ours(folder):
            folder = Path(tempfile.mkdtemp(prefix="ray-", dir=place))
    folder.chmod(0o700)
    if stat.S_IMODE(folder.stat().st_mode) != 0o700:
        raise OSError("its file system has no permissions")
    probe = folder / uuid4().hex
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(probe))
    probe.unlink()
    return folder


def _is_ours(folder: Path) -> bool:
    status = folder.lstat()  # a link may be another user's
    return stat.S_ISDIR(status.st_mode) and status.st_uid == _user()


def _user() -> int:
    return os.getuid()
