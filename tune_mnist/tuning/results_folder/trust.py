"""Signatures, which prove that a results folder was written by this user on this machine."""

import hashlib
import hmac
import json
import os
import secrets
import shlex
import socket
import stat
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from tempfile import mkstemp
from typing import Any

from filelock import FileLock

from tune_mnist.tuning.options.option_fields import EXTERNAL

SIGNATURE = "signature"
"""Key of the signature in ``experiment.json``."""

_KEY_BYTES = 32
_LOCK_SECONDS = 5
_MACHINE_ID = Path("/etc/machine-id")


def sign(content: Mapping[str, Any]) -> str | None:
    """Return a signature for the content of ``experiment.json``.

    The signature is an HMAC with a secret key of this user, which is not stored in any results
    folder. The signature stays valid if the folder is moved or copied on the same machine. On
    another machine it is invalid, because addresses such as ``127.0.0.1`` and ``auto`` mean
    another cluster there.

    Args:
        content: Content of the file, keyed by JSON key. An existing signature is ignored.

    Returns:
        Signature, or None if no secret key can be stored.
    """
    key = _read_key() or _make_key()
    return None if key is None else _digest(key, content)


def is_own(content: Mapping[str, Any]) -> bool:
    """Return whether the signature in ``experiment.json`` is valid for this user and machine.

    Args:
        content: Content of the file, keyed by JSON key, including the signature.
    """
    key, signature = _read_key(), content.get(SIGNATURE)
    if key is None or not isinstance(signature, str):
        return False
    return hmac.compare_digest(_digest(key, content).encode(), signature.encode(errors="replace"))


def only_stored(stored: Mapping[str, Any], given: Mapping[str, Any]) -> str:
    """Return those stored external options that the user has not repeated in a call.

    External options are addresses, paths and URIs that a search connects to, reads or writes.

    Args:
        stored: Options in ``experiment.json``.
        given: Options of this call. A value of None means that the option is not given.

    Returns:
        Options in the form of a command line. Empty if the user has repeated all of them.
    """
    return " ".join(
        f"--{key.replace('_', '-')} {shlex.quote(str(stored[key]))}"
        for key in EXTERNAL
        if stored.get(key) is not None and given.get(key) is None
    )


def key_path() -> Path | None:
    """Return the path of this user's secret key, or None if the user has no home directory."""
    root = Path(os.environ.get("XDG_STATE_HOME", ""))
    if root.is_absolute():  # the XDG specification says to ignore relative paths
        return root / "tune_mnist" / "key"
    try:
        return Path.home() / ".local" / "state" / "tune_mnist" / "key"
    except RuntimeError:
        return None


def _digest(key: bytes, content: Mapping[str, Any]) -> str:
    signed = {name: value for name, value in content.items() if name != SIGNATURE}
    text = json.dumps([this_machine(), signed], sort_keys=True)
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()


def this_machine() -> str:
    """Return the ID of this machine, or its host name if it has no ID."""
    with suppress(OSError, UnicodeDecodeError):
        if machine_id := _MACHINE_ID.read_text(encoding="ascii").strip():
            return machine_id
    return socket.gethostname()


def _read_key() -> bytes | None:
    """Return the secret key, or None if it does not exist or other users can read it."""
    path = key_path()
    if path is None:
        return None
    try:
        file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return None
    try:
        status = os.fstat(file)
        private = status.st_uid == os.geteuid() and not stat.S_IMODE(status.st_mode) & 0o077
        key = os.read(file, _KEY_BYTES) if stat.S_ISREG(status.st_mode) and private else b""
    except OSError:
        return None
    finally:
        os.close(file)
    return key if len(key) == _KEY_BYTES else None


def _make_key() -> bytes | None:
    """Create and return a key that only this user can read. Return None if this is impossible."""
    path = key_path()
    if path is None:
        return None
    with suppress(OSError):  # a full disk, or a home directory without write access
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with FileLock(path.with_name(f"{path.name}.lock"), timeout=_LOCK_SECONDS):
            # Another process may have created the key. A key that others could read is replaced.
            if _read_key() is None:
                _write_key(path)
            return _read_key()
    return None


def _write_key(path: Path) -> None:
    if os.path.lexists(path) and path.lstat().st_uid != os.geteuid():
        return
    descriptor, partial = mkstemp(dir=path.parent)  # readable by its owner only
    try:
        with open(descriptor, "wb") as file:  # noqa: PTH123 - a descriptor
            file.write(secrets.token_bytes(_KEY_BYTES))
        Path(partial).replace(path)
    finally:
        Path(partial).unlink(missing_ok=True)
