"""Validation of Ray's authentication settings before Ray reads them."""

import fcntl
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tune_mnist.errors import UserError
from tune_mnist.files import write_text

MODE, TOKEN, TOKEN_PATH = "RAY_AUTH_MODE", "RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"
MODES = ("token", "disabled")
TOKEN_FILE = "auth_token"  # noqa: S105
_OWNER_ONLY = 0o600


def check_mode() -> str | None:
    """Check RAY_AUTH_MODE, and return its value in lower case, or None if it is not set.

    Raises:
        UserError: The mode is unknown. Ray 2.60 would treat it as "disabled".
    """
    mode = os.environ.get(MODE)
    if not mode:
        return None
    if mode.lower() not in MODES:
        raise UserError(
            f"{MODE} must be token or disabled, but is '{mode}'; if the variable is not set, Ray"
            " on this machine requires a token"
        )
    return mode.lower()


def check_token_readable() -> None:
    """Check the token that the user has set by an environment variable or a file.

    Ray 2.60 would abort the process if the token is invalid.

    Raises:
        UserError: The token cannot be read or is invalid. The message names the variable or file.
    """
    if token := os.environ.get(TOKEN):
        _check_token(token, TOKEN)
    elif path := os.environ.get(TOKEN_PATH):
        _check_token(_read(Path(path), f"{TOKEN_PATH} {path}"), f"{TOKEN_PATH} {path}")
    elif home := os.environ.get("HOME"):
        default = Path(home) / ".ray" / TOKEN_FILE
        if os.access(default, os.R_OK):
            _check_token(_read(default, str(default)), str(default))


def has_own_token() -> bool:
    """Return whether an environment variable sets the token of this process."""
    return bool(os.environ.get(TOKEN) or os.environ.get(TOKEN_PATH))


def private_token(folder: Path) -> Path:
    """Return the path of a token file in a private folder, and create the file if necessary.

    A missing or invalid token is replaced.

    Args:
        folder: Folder that no other user can access.
    """
    path = folder / TOKEN_FILE
    # Without the lock, two searches that start together would overwrite each other's token.
    with _locked(folder):
        try:
            _check_token(_read(path, ""), "")
        except UserError:
            write_text(path, secrets.token_hex(32))
        path.chmod(_OWNER_ONLY)
    return path


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Lock a folder against other searches of this user, without a lock file."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        with suppress(OSError):  # the file system does not support locks
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)  # releases the lock


def _read(path: Path, source: str) -> str:
    try:
        return path.read_text(encoding="ascii")
    except OSError as error:
        raise UserError(f"{source}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        return ""


def _check_token(token: str, source: str) -> None:
    token = token.strip()
    # Ray sends the token in an HTTP header, which allows only these characters.
    if not token or not all("!" <= character <= "~" for character in token):
        raise UserError(
            f"{source}: the token must be one line of letters and digits; create a token with"
            " 'ray get-auth-token --generate'"
        )
