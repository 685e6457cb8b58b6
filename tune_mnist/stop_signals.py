"""Signals that ask a command to end: in order at the first one, at once at the second."""

import os
import signal
import stat
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

from tune_mnist.errors import end_at_once

Handler = Callable[[int, FrameType | None], object]

STOPPING = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
)
# systemd sends SIGHUP right after SIGTERM, and `timeout` signals both the process and its group.
SAME_REQUEST_SECONDS = 0.5
WAKE_SECONDS = 0.05
SIGNAL_STATUS = 128
"""Exit status of a command that a signal has ended, less the number of the signal."""


class StopSignals:
    """Turns the signals that end a process into an orderly end, whichever part of it they meet.

    The first one raises KeyboardInterrupt in the main thread, or calls the handler that
    ``pass_on`` has found. A second one, more than half a second later, ends the process at once,
    from a thread of its own: the main thread may be inside a library that never comes back.
    """

    def __init__(self) -> None:
        self._installed = False
        self._asked = False
        self._number: int | None = None
        self._handler: Handler | None = None
        self._before_forced_end: Callable[[], str] = str

    @property
    def status(self) -> int:
        """Exit status of a command that was asked to end: 130 after Ctrl-C, 143 after SIGTERM."""
        return SIGNAL_STATUS + (self._number or signal.SIGINT)

    @property
    def installed(self) -> bool:
        """Whether the signals are handled here: by commands, not where a program searches."""
        return self._installed

    @property
    def received(self) -> bool:
        """Whether the process has been asked to end."""
        return self._number is not None

    def install(self) -> None:
        """Handle the signals from here on; to be called once, by the main thread."""
        if self._installed or threading.current_thread() is not threading.main_thread():
            return
        self._installed = True
        reader, writer = os.pipe()
        os.set_blocking(writer, False)
        # Python writes a byte at once, even while the main thread is inside a C library.
        signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
        threading.Thread(target=self._read, args=(reader,), daemon=True).start()
        for number in STOPPING:
            # Under nohup, and in the background of a script, the parent has some ignored.
            if signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, self._handle)

    def take_back(self) -> None:
        """Handle SIGTERM again: Ray 2.60 takes it at its start, in Python and in C++."""
        if self._installed:
            signal.signal(signal.SIGTERM, self._handle)

    def pass_on(self) -> None:
        """Let the first signal call the handler that another library has installed for SIGINT."""
        current = signal.getsignal(signal.SIGINT)
        if self._installed and callable(current) and current != self._handle:
            self._handler = current
            signal.signal(signal.SIGINT, self._handle)

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Undo at the end what a library has done to the handler of SIGINT."""
        before = signal.getsignal(signal.SIGINT)
        try:
            yield
        finally:
            self._handler = None
            if threading.current_thread() is threading.main_thread():
                signal.signal(signal.SIGINT, before)

    @contextmanager
    def before_forced_end(self, action: Callable[[], str]) -> Iterator[None]:
        """Call a function before the second signal ends the process.

        Args:
            action: Ends what would be left over; returns what the user can do next, or an empty
                text.
        """
        self._before_forced_end = action
        try:
            yield
        finally:
            self._before_forced_end = str

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if number == getattr(signal, "SIGHUP", None):
            _leave_terminal()
        self._number = self._number or number
        if self._asked:
            return
        self._asked = True
        if self._handler is None:
            raise KeyboardInterrupt
        self._handler(number, frame)

    def _read(self, reader: int) -> None:
        first: float | None = None
        while True:
            for number in os.read(reader, 64):
                if number not in STOPPING:
                    continue
                self._number = self._number or number
                if first is None:
                    self._wake_main_thread(number)
                    # Not before: its repeats arrive here too, and late on a busy machine.
                    first = time.monotonic()
                elif time.monotonic() - first > SAME_REQUEST_SECONDS:
                    self._end_at_once()

    def _wake_main_thread(self, number: int) -> None:
        """Repeat a signal that came just before the main thread began to wait for something.

        Python looks for signals between instructions, and a signal interrupts a system call, but
        nothing covers the moment between the two.
        """
        main = threading.main_thread().ident
        start = time.monotonic()
        while not self._asked and time.monotonic() - start < SAME_REQUEST_SECONDS / 2:
            time.sleep(WAKE_SECONDS)
            ours = signal.getsignal(number) == self._handle
            if main is not None and ours and not self._asked:
                signal.pthread_kill(main, number)

    def _end_at_once(self) -> NoReturn:
        next_step = ""
        try:
            next_step = self._before_forced_end()
        finally:
            end_at_once("interrupted twice" + (f"; {next_step}" if next_step else ""), self.status)


def _leave_terminal() -> None:
    """Write to nowhere instead of to a terminal that is gone, where each write is an error."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for descriptor in (1, 2):
        try:
            is_terminal = stat.S_ISCHR(os.fstat(descriptor).st_mode)
        except OSError:
            continue
        if is_terminal:
            os.dup2(nowhere, descriptor)
    os.close(nowhere)


stop_signals = StopSignals()
"""The process's own: signals have one handler a process."""
