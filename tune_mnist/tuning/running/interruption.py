"""The end of a search by a signal, or because Ray has lost its head."""

import ctypes
import shlex
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ray.tune import Callback
from rich.console import Console

from tune_mnist.errors import USER_ERROR, UserError, end_at_once, error_line
from tune_mnist.stop_signals import stop_signals
from tune_mnist.tuning.cluster.connection import Resources

_INTERRUPT_SECONDS = 1.0


class StopOnSignal(Callback):
    """Lets the first signal of any kind end Tune as Ctrl-C does: Tune knows SIGINT alone."""

    def setup(self, **info: Any) -> None:
        """Take the signals again from Tune, which has just installed its handler."""
        stop_signals.pass_on()


class Stopping:
    """Ends a search from a thread of its own; all that a resumed search needs is on disk.

    Args:
        resources: Where Ray runs.
        directory: Folder of the search.
        console: Console that the search draws on.
    """

    def __init__(self, resources: Resources, directory: Path, console: Console) -> None:
        self._resources = resources
        self._directory = directory
        self._console = console
        self._caller = threading.current_thread()
        self._over = threading.Event()
        self._complaint = ""

    @contextmanager
    def head_loss_raised(self) -> Iterator[None]:
        """Raise the loss of Ray's head as an error, where it interrupts a calling program.

        Raises:
            UserError: Ray has lost its head.
        """
        try:
            yield
        finally:
            self._over.set()
            if self._complaint:
                raise UserError(self._complaint) from None

    def tidy_up(self) -> str:
        """End what is left of a Ray that was started here; return how to resume the search."""
        if self._resources.local is not None:
            self._resources.local.kill()
        self._console.show_cursor()
        return (
            f"to resume: python -m tune_mnist.search --resume {shlex.quote(str(self._directory))}"
        )

    def end_without_head(self, complaint: str) -> None:
        """End the search because Ray has lost its head: with the process, if it is a command's.

        Args:
            complaint: What is wrong with the head.
        """
        next_step = self.tidy_up()
        if not stop_signals.installed:
            self._interrupt_caller(f"{complaint}: {next_step}; all that has ended is kept")
            return
        if stop_signals.received:  # systemd and SLURM signal Ray's processes as well
            end_at_once(f"interrupted; {next_step}", stop_signals.status)
        if self._resources.local is None:
            next_step = f"start one again; {next_step} --address ITS_ADDRESS"
        end_at_once(
            error_line(f"{complaint}: {next_step}; all that has ended is kept"), USER_ERROR
        )

    def _interrupt_caller(self, complaint: str) -> None:
        """Interrupt the search until it ends: Tune takes the first signal for an orderly stop."""
        self._complaint = complaint
        while not self._over.wait(_INTERRUPT_SECONDS):
            if self._caller is threading.main_thread():
                signal.pthread_kill(self._caller.ident or 0, signal.SIGINT)
            else:
                identity = ctypes.c_ulong(self._caller.ident or 0)
                ctypes.pythonapi.PyThreadState_SetAsyncExc(
                    identity, ctypes.py_object(KeyboardInterrupt)
                )
