"""Interruption of a search by a signal or by the loss of Ray's head node."""

import ctypes
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ray.tune import Callback
from rich.console import Console

from tune_mnist.console import print_line
from tune_mnist.errors import USER_ERROR, UserError, end_at_once, error_line
from tune_mnist.stop_signals import stop_signals
from tune_mnist.tuning.cluster.connection import Resources
from tune_mnist.tuning.results_folder.resuming import next_step, next_step_without_head

_INTERRUPT_SECONDS = 1.0


class StopOnSignal(Callback):
    """Callback that makes every stop signal end a search in the same way as Ctrl-C.

    Tune itself handles only SIGINT.
    """

    def setup(self, **info: Any) -> None:
        """Install the signal handlers of the search again. Ray calls this after replacing them."""
        stop_signals.pass_on()


class Stopping:
    """Ends a running search from another thread. The search can be resumed afterwards.

    Args:
        resources: Resources of the cluster, including the local Ray if the search started one.
        directory: Results folder of the search.
        console: Console of the search.
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
        """Context manager that raises an error if the search ended because the head node was lost.

        The error is raised only if a program started the search through the Python API. If a
        command started the search, the process has already ended (see ``end_without_head``).

        Raises:
            UserError: Ray's head node was lost.
        """
        try:
            yield
        finally:
            self._over.set()
            if self._complaint:
                raise UserError(self._complaint) from None

    def tidy_up(self) -> str:
        """Kill the Ray that the search started, and return a hint on how to resume the search."""
        if self._resources.local is not None:
            self._resources.local.kill()
        self._console.show_cursor()
        return next_step(self._directory)

    def acknowledge(self) -> None:
        """Tell the user immediately that the search is ending, which can take some seconds."""
        print_line(
            self._console,
            "stopping: all results are kept; press Ctrl-C again to end the search immediately",
        )

    def end_without_head(self, complaint: str) -> None:
        """End the search because the connection to Ray's head node was lost.

        If a command started the search, the process ends. If a program started it through the
        Python API, an error is raised in the program, which can continue.

        Args:
            complaint: One-line message that says what happened to the head node.
        """
        resume = self.tidy_up()
        own_cluster = self._resources.local is None and stop_signals.installed
        step = next_step_without_head(self._directory, own_cluster=own_cluster)
        if not stop_signals.installed:
            self._interrupt_caller(f"{complaint}; {step}")
            return
        if stop_signals.received:  # systemd and SLURM signal Ray's processes as well
            end_at_once(f"interrupted; {resume}", stop_signals.status)
        end_at_once(error_line(f"{complaint}; {step}"), USER_ERROR)

    def _interrupt_caller(self, complaint: str) -> None:
        """Interrupt the main thread until the search ends. Tune handles only the first signal."""
        self._complaint = complaint
        while not self._over.wait(_INTERRUPT_SECONDS):
            if self._caller is threading.main_thread():
                signal.pthread_kill(self._caller.ident or 0, signal.SIGINT)
            else:
                identity = ctypes.c_ulong(self._caller.ident or 0)
                ctypes.pythonapi.PyThreadState_SetAsyncExc(
                    identity, ctypes.py_object(KeyboardInterrupt)
                )
