"""Ray of a single search on this machine, which other users can neither reach nor read."""

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
    """Environment variables for a Ray that this process starts on this machine.

    The variables restrict Ray to 127.0.0.1, a private folder and a token. They are set before Ray
    starts and restored after Ray has ended.
    """

    def __init__(self) -> None:
        self._before: dict[str, str | None] = {}
        self._arguments: dict[str, Any] | None = None
        self._cluster_enabled = is_cluster_enabled()

    def apply(self, *, with_dashboard: bool = True) -> dict[str, Any]:
        """Set the environment variables, and return the keyword arguments for ``ray.init``.

        Repeated calls change nothing until :meth:`undo` is called. Otherwise a second call would
        mistake the TMPDIR and the token of the first call for settings of the user.

        Args:
            with_dashboard: Whether Ray starts its dashboard.

        Raises:
            UserError: There is no usable folder for Ray's files, or an authentication setting is
                invalid.
        """
        if self._arguments is None:
            self._arguments = self._apply(with_dashboard)
        return dict(self._arguments)

    def _apply(self, with_dashboard: bool) -> dict[str, Any]:
        mode = check_mode()
        folder = private_folder()
        # All processes of Ray listen on 127.0.0.1 only, as is the default on macOS and Windows.
        # Ray reads the variable when it is imported.
        environment = {CLUSTER_VARIABLE: "0"}
        given = os.environ.get("TMPDIR")
        if given and folder.parent != Path(given).absolute():
            # TMPDIR is unusable, or too long for the sockets that Ray's dashboard creates there.
            environment["TMPDIR"] = str(folder)
        if has_own_token():
            check_token_readable()
        elif mode != "disabled":
            # Ray's default is ~/.ray/auth_token, which every user of the machine can read.
            environment[TOKEN_PATH] = str(private_token(folder))
        self._set(environment)
        if mode is None:
            # Ray reads an empty mode as "disabled", and a missing mode as "token".
            self._set({MODE: None})
        set_cluster_enabled(False)
        return {
            # None also starts a dashboard, but does not end the search if this takes too long.
            "include_dashboard": None if with_dashboard else False,
            "dashboard_host": "127.0.0.1",
            "num_cpus": allowed_cpus(),
            # Ray 2.60 makes this folder writable for all users, so its parent must be private.
            **init_arguments(folder / "ray", _memory()),
        }

    def undo(self) -> None:
        """Restore the environment variables."""
        for name, value in self._before.items():
            _set_variable(name, value)
        self._before = {}
        self._arguments = None
        set_cluster_enabled(self._cluster_enabled)

    def _set(self, values: Mapping[str, str | None]) -> None:
        for name, value in values.items():
            self._before.setdefault(name, os.environ.get(name))
            _set_variable(name, value)


@dataclass(frozen=True)
class LocalRay:
    """Processes of a Ray that this process has started on this machine.

    Attributes:
        head: Processes of the head node, keyed by name. A search cannot continue if one of them
            dies.
        others: Other processes of Ray that existed immediately after the start.
        token_file: File with the token that Ray requires, or None if the token is in
            RAY_AUTH_TOKEN or Ray requires no token.
    """

    head: Mapping[str, psutil.Process]
    others: tuple[psutil.Process, ...]
    token_file: Path | None

    @classmethod
    def started(cls) -> "LocalRay":
        """Create an object for the Ray that this process has just started."""
        processes = {process: _name(process) for process in psutil.Process().children(True)}
        uses_file = os.environ.get(MODE, "").lower() == "token" and TOKEN not in os.environ
        return cls(
            head={name: process for process, name in processes.items() if name in HEAD_PROCESSES},
            others=tuple(
                process for process, name in processes.items() if name not in HEAD_PROCESSES
            ),
            token_file=(
                Path(os.environ[TOKEN_PATH]) if uses_file and TOKEN_PATH in os.environ else None
            ),
        )

    def complaint(self) -> str:
        """Return an error message if a process of the head node has died, or an empty string."""
        dead = [name for name, process in self.head.items() if not _is_alive(process)]
        return f"Ray on this machine: the process {dead[0]} has died" if dead else ""

    def kill(self) -> None:
        """Kill all remaining processes of Ray, including the workers."""
        kill_descendants()
        for process in {*self.head.values(), *self.others}:
            with suppress(psutil.Error):
                process.kill()


def kill_descendants() -> None:
    """Kill all child processes of this process, and their child processes."""
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.Error):
            process.kill()


def _set_variable(name: str, value: str | None) -> None:
    if value is None:
        os.environ.pop(name, None)
    else:
        os.environ[name] = value


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
    """Return the memory limit of this process in bytes, or None if Ray 2.60 detects it itself."""
    allowed = allowed_memory()
    return None if allowed >= psutil.virtual_memory().total else allowed
