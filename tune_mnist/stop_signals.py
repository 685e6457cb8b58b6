"""Stop signals: the first ends a command gracefully, the second immediately."""

import ctypes
import os
import signal
import stat
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import NoReturn

from tune_mnist.errors import end_at_once
from tune_mnist.output import to_null_device

Handler = Callable[[int, FrameType | None], object]

STOPPING = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
)
# systemd sends SIGHUP right after SIGTERM, and `timeout` signals both the process and its group.
SAME_REQUEST_SECONDS = 0.5
WAKE_SECONDS = 0.05
ACTION_BYTES = 256  # more than struct sigaction has on any system
SIGNAL_STATUS = 128
"""Exit status of a command that a signal ends, minus the number of the signal."""


class StopSignals:
    """Handler of the signals that ask this process to stop (Ctrl-C, SIGTERM).

    The first signal raises KeyboardInterrupt in the main thread, or calls the handler registered
    by ``pass_on``. A second signal, more than half a second later, ends the process immediately.
    This is done by a separate thread, because the main thread may be blocked inside a library.
    """

    def __init__(self) -> None:
        self._installed = False
        self._asked = False
        self._held = False
        self._number: int | None = None
        self._handler: Handler | None = None
        self._before_forced_end: Callable[[], str] = str
        self._on_first: Callable[[], None] = lambda: None

    @property
    def status(self) -> int:
        """Exit status of an interrupted command: 130 after Ctrl-C, 143 after SIGTERM."""
        return SIGNAL_STATUS + (self._number or signal.SIGINT)

    @property
    def installed(self) -> bool:
        """Whether the handlers are installed. They are in commands, but not in the Python API."""
        return self._installed

    @property
    def received(self) -> bool:
        """Whether a stop signal has been received."""
        return self._number is not None

    def install(self) -> None:
        """Install the handlers. This has no effect outside the main thread or if called again."""
        if self._installed or threading.current_thread() is not threading.main_thread():
            return
        self._installed = True
        reader, writer = os.pipe()
        os.set_blocking(writer, False)
        # Python writes a byte at once, even while the main thread is inside a C library.
        signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
        threading.Thread(target=self._read, args=(reader,), daemon=True).start()
        for number in STOPPING:
            # nohup and shell background jobs start a process with some signals ignored.
            if signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, self._handle)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Context manager that delays the KeyboardInterrupt of the first signal to its end.

        A second signal ends the process immediately, as always.
        """
        self._held = True
        try:
            yield
        finally:
            self._held = False
        if self._asked:
            raise KeyboardInterrupt

    @contextmanager
    def termination_kept(self) -> Iterator[None]:
        """Context manager that keeps the effect of SIGTERM while another library starts.

        Ray 2.60 replaces Python's handler in the main thread, and that of the operating system in
        any thread. Python itself can restore a handler in the main thread only. The Python API
        does not install the handlers, and leaves them to Ray.
        """
        if not self._installed:
            yield
            return
        number, libc = signal.SIGTERM, ctypes.CDLL(None)
        action = ctypes.create_string_buffer(ACTION_BYTES)
        saved = libc.sigaction(number, None, action) == 0
        try:
            yield
        finally:
            if saved:
                libc.sigaction(number, action, None)
            if threading.current_thread() is threading.main_thread():
                signal.signal(number, self._handle)

    def pass_on(self) -> None:
        """Register another library's current SIGINT handler, to be called by the first signal."""
        current = signal.getsignal(signal.SIGINT)
        if self._installed and callable(current) and current != self._handle:
            self._handler = current
            signal.signal(signal.SIGINT, self._handle)

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Context manager that restores the SIGINT handler."""
        before = signal.getsignal(signal.SIGINT)
        try:
            yield
        finally:
            self._handler = None
            if threading.current_thread() is threading.main_thread():
                signal.signal(signal.SIGINT, before)

    @contextmanager
    def before_forced_end(self, action: Callable[[], str]) -> Iterator[None]:
        """Context manager that sets a function to call before a second signal ends the process.

        Args:
            action: Function that stops the remaining processes and returns a hint for the user, or
                an empty string.
        """
        outer, self._before_forced_end = self._before_forced_end, action
        try:
            yield
        finally:
            self._before_forced_end = outer

    @contextmanager
    def acknowledged(self, action: Callable[[], None]) -> Iterator[None]:
        """Context manager that sets a function to call as soon as the first signal arrives.

        Commands that take a while to end use it to tell the user that the signal was received.

        Args:
            action: Function that informs the user. It is called in a separate thread.
        """
        outer, self._on_first = self._on_first, action
        try:
            yield
        finally:
            self._on_first = outer

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if number == getattr(signal, "SIGHUP", None):
            _leave_terminal()
        self._number = self._number or number
        if self._asked:
            return
        self._asked = True
        if self._held:
            return
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
                    # In a separate thread, as a terminal paused with Ctrl-S blocks its output.
                    threading.Thread(target=self._on_first, daemon=True).start()
                    self._wake_main_thread(number)
                    # Set only now: the repeated signals arrive here too, and late on a busy
                    # machine.
                    first = time.monotonic()
                elif time.monotonic() - first > SAME_REQUEST_SECONDS:
                    self._end_at_once()

    def _wake_main_thread(self, number: int) -> None:
        """Repeat a signal until the main thread has handled it.

        Python checks for signals between instructions, and a signal interrupts a system call. A
        signal that arrives between the check and the call would wait until the call returns.
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
    """Redirect output from a closed terminal to the null device, as every write would fail."""
    for descriptor in (1, 2):
        with suppress(OSError):
            if stat.S_ISCHR(os.fstat(descriptor).st_mode):
                to_null_device(descriptor)


stop_signals = StopSignals()
"""The only instance: a process has one handler per signal."""
