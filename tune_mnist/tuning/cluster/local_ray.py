"""A Ray of one search, on this machine alone: on loopback, with private files and a token."""

import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from tune_mnist.machine import allowed_cpus, allowed_memory
from tune_mnist.private_folder import private_folder
from tune_mnist.tuning.cluster.auth_settings import (
    MODE,
    TOKEN,
    TOKEN_PATH,
    check_mode,
    check_token_readable,
    has_own_token,
    private_token,
)
from tune_mnist.tuning.ray_internals.settings import (
    CLUSTER_VARIABLE,
    HEAD_PROCESSES,
    init_arguments,
    is_cluster_enabled,
    set_cluster_enabled,
)


class LocalSettings:
    """What the environment tells a Ray that is started on this machine, until it has ended."""

    def __init__(self) -> None:
        self._before: dict[str, str | None] = {}
        self._arguments: dict[str, Any] | None = None
        self._cluster_enabled = is_cluster_enabled()

    def apply(self) -> dict[str, Any]:
        """Set the environment; return the arguments for ``ray.init``.

        A second call changes nothing: it would take the TMPDIR and the token of the first for
        those of the user.

        Raises:
            UserError: No folder can hold Ray's files, or a setting of authentication is wrong.
        """
        if self._arguments is None:
            self._arguments = self._apply()
        return dict(self._arguments)

    def _apply(self) -> dict[str, Any]:
        mode = check_mode()
        folder = private_folder()
        # Ray does so by itself on macOS and Windows: all of it, the driver and the workers
        # included, listens on 127.0.0.1. It reads the variable when it is imported.
        environment = {CLUSTER_VARIABLE: "0"}
        given = os.environ.get("TMPDIR")
        if given and folder.parent != Path(given).absolute():
            # Unusable, or too long for the sockets of Ray's dashboard, which lie there as well.
            environment["TMPDIR"] = str(folder)
        if has_own_token():
            check_token_readable()
        elif mode != "disabled":
            # Ray's own would be ~/.ray/auth_token, which every user of the machine can read.
            environment[TOKEN_PATH] = str(private_token(folder))
        self._set(environment)
        if mode is None:
            # Ray takes an empty one for "disabled", and sets it to "token" where it is missing.
            self._set({MODE: None})
        set_cluster_enabled(False)
        return {
            # A dashboard is started; True would end the search if it did not come up in time.
            "include_dashboard": None,
            "dashboard_host": "127.0.0.1",
            "num_cpus": allowed_cpus(),
            # Ray 2.60 lets all users write into this one: the private folder has to be above it.
            **init_arguments(folder / "ray", _memory()),
        }

    def undo(self) -> None:
        """Bring the environment back to what it was."""
        for name, value in self._before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
        self._before = {}
        self._arguments = None
        set_cluster_enabled(self._cluster_enabled)

    def _set(self, values: Mapping[str, str | None]) -> None:
        for name, value in values.items():
            self._before.setdefault(name, os.environ.get(name))
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


@dataclass(frozen=True)
class LocalRay:
    """The processes of a Ray that this process has started.

    Attributes:
        head: Processes without which a search cannot go on, by name.
        others: The other ones that were there when Ray had started.
        token_file: File with the token that Ray asks for; None: RAY_AUTH_TOKEN holds it, or Ray
            asks for none.
    """

    head: Mapping[str, psutil.Process]
    others: tuple[psutil.Process, ...]
    token_file: Path | None

    @classmethod
    def started(cls) -> "LocalRay":
        """Return the Ray that this process has just started."""
        processes = {process: _name(process) for process in psutil.Process().children(True)}
        asks = os.environ.get(MODE, "").lower() == "token" and TOKEN not in os.environ
        return cls(
            head={name: process for process, name in processes.items() if name in HEAD_PROCESSES},
            others=tuple(
                process for process, name in processes.items() if name not in HEAD_PROCESSES
            ),
            token_file=Path(os.environ[TOKEN_PATH]) if asks and TOKEN_PATH in os.environ else None,
        )

    def complaint(self) -> str:
        """Return which part of Ray has died, or an empty text."""
        dead = [name for name, process in self.head.items() if not _is_alive(process)]
        return f"Ray on this machine: its {dead[0]} has died" if dead else ""

    def kill(self) -> None:
        """End all its processes that are left, workers included."""
        now = psutil.Process().children(recursive=True)
        for process in {*self.head.values(), *self.others, *now}:
            with suppress(psutil.Error):
                process.kill()


def _name(process: psutil.Process) -> str:
    try:
        return process.name().removesuffix(".exe")
    except psutil.Error:
        return ""


def _is_alive(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def _memory() -> int | None:
    """Return the bytes that this process may use, None where Ray 2.60 detects the same."""
    allowed = allowed_memory()
    return None if allowed >= psutil.virtual_memory().total else allowed
