"""Private folder for the files of Ray, with a path that is short enough for Unix sockets."""

import os
import re
import socket
import stat
import sys
import tempfile
from pathlib import Path
from uuid import uuid4

from tune_mnist.errors import UserError

# Linux and macOS limit the length of a socket path (ray-project/ray#7945). The longest socket path
# of Ray is ray/session_<date>_<time>_<microseconds>_<process>/sockets/dash_TaskEventsHead, below
# this folder.
MAX_SOCKET_PATH = 103 if sys.platform == "darwin" else 107
SESSION_PATH = len("/ray/session_2026-01-01_00-00-00_000000_4194304/sockets/dash_TaskEventsHead")
# Ray 2.60 encodes paths as ASCII and splits commands at quotes.
_PLAIN = re.compile(r"[A-Za-z0-9._/+=,@-]+")


def private_folder() -> Path:
    """Return the folder for Ray's files on this machine, creating it if necessary.

    The folder is called ``ray-<user ID>``. Its parent is RAY_TMPDIR, TMPDIR, ``/tmp`` or
    ``/var/tmp``, whichever is usable first. If another user owns a folder of this name, the name
    gets a random suffix.

    Raises:
        UserError: None of these folders is usable. The message gives the reason for each.
    """
    complaints = []
    for source, place in _places():
        try:
            return _made_in(place)
        except OSError as error:
            reason = error.strerror or str(error)
            complaints.append(f"{source}{place}: {reason}")
    longest = MAX_SOCKET_PATH - SESSION_PATH - len(f"/ray-{os.getuid()}")
    raise UserError(
        f"there is no usable folder for the files of Ray ({'; '.join(complaints)}): set TMPDIR to"
        f" a writable folder on a local disk with a path of at most {longest} characters"
    )


def _places() -> list[tuple[str, Path]]:
    named = [(f"{name} ", os.environ.get(name)) for name in ("RAY_TMPDIR", "TMPDIR")]
    places = [(source, Path(place).absolute()) for source, place in named if place]
    return [*places, ("", Path("/tmp")), ("", Path("/var/tmp"))]  # noqa: S108


def _made_in(place: Path) -> Path:
    """Return the private folder inside a parent folder, creating it if necessary.

    Raises:
        OSError: The parent folder is not usable.
    """
    if not _PLAIN.fullmatch(str(place)):
        raise OSError("Ray accepts only letters, digits and ._/+=,@- in a path")
    folder = place / f"ray-{os.getuid()}"
    if len(str(folder)) + SESSION_PATH > MAX_SOCKET_PATH:
        raise OSError("the path is too long for the sockets of Ray")
    try:
        folder.mkdir(mode=0o700)
    except FileExistsError:
        if not _is_ours(folder):
            folder = Path(tempfile.mkdtemp(prefix="ray-", dir=place))
    folder.chmod(0o700)
    if stat.S_IMODE(folder.stat().st_mode) != 0o700:
        raise OSError("the file system does not support permissions")
    probe = folder / uuid4().hex
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(probe))
    probe.unlink()
    return folder


def _is_ours(folder: Path) -> bool:
    status = folder.lstat()  # not stat(): a link may belong to another user
    return stat.S_ISDIR(status.st_mode) and status.st_uid == os.getuid()
