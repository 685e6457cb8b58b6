"""Stop signals, sent to real processes."""

import os
import pty
import select
import signal
import subprocess
import sys
from contextlib import suppress

import pytest

from tests.waiting import PATIENCE, wait_until

CTRL_C = b"\x03"
BEGIN = """
import sys, time
from tune_mnist.stop_signals import stop_signals
stop_signals.install()
def ready(): print("ready", flush=True)
"""
ORDERLY = """
try:
    ready()
    time.sleep(100)
except KeyboardInterrupt:
    time.sleep(0.2)
    print("tidied up", flush=True)
    sys.exit(stop_signals.status)
"""
# As Ray, which replaces the handler of the operating system in a thread.
REPLACED_IN_A_THREAD = """
import ctypes, signal, threading
def start_library():
    with stop_signals.termination_kept():
        ctypes.CDLL(None).signal(signal.SIGTERM, None)
thread = threading.Thread(target=start_library)
thread.start()
thread.join()
"""
# A library call that never checks for Python's signals, such as a computation of hours.
STUCK = """
import hashlib
with stop_signals.before_forced_end(lambda: "to resume: --resume x"):
    try:
        ready()
        hashlib.pbkdf2_hmac("sha256", b"", b"", 2**31 - 1)
    except KeyboardInterrupt:  # the signal arrived before the call of the library
        hashlib.pbkdf2_hmac("sha256", b"", b"", 2**31 - 1)
"""
LIVE = """
from rich.console import Console
from rich.live import Live
with stop_signals.before_forced_end(lambda: "to resume: --resume x"), Live("live table"):
    try:
        ready()
        time.sleep(100)
    except KeyboardInterrupt:
        time.sleep(100)
"""
# As the modules of PyTorch and Ray, which the interpreter frees one by one.
SLOW_TO_FREE = """
import atexit, click
from tune_mnist.command import run

class Large:
    def __del__(self):
        print("freed", flush=True)

large = Large()
atexit.register(print, "cleaned up")

@click.command()
def wait():
    try:
        ready()
        time.sleep(100)
    except KeyboardInterrupt:
        print("report written")
        return stop_signals.status

run(wait)
"""
SLOW_END = """
try:
    ready()
    time.sleep(100)
except KeyboardInterrupt:
    time.sleep(100)
"""
# The work of a command ends, and the rest of it takes time.
AFTER_WORK = """
with stop_signals.before_forced_end(lambda: "to resume: --resume x"):
    with stop_signals.before_forced_end(lambda: "within"):
        pass
    try:
        ready()
        time.sleep(100)
    except KeyboardInterrupt:
        time.sleep(100)
"""
SLOW_WITH_WORD = """
with stop_signals.acknowledged(lambda: print("stopping", flush=True)):
    try:
        ready()
        time.sleep(100)
    except KeyboardInterrupt:
        time.sleep(100)
"""
OTHERS_HANDLER = """
import signal
asked = []
with stop_signals.kept():
    signal.signal(signal.SIGINT, lambda *_: asked.append(1))
    stop_signals.pass_on()
    ready()
    while not asked:
        time.sleep(0.01)
time.sleep(0.2)
print("asked", len(asked), flush=True)
sys.exit(stop_signals.status)
"""


def started(code: str, **options) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", BEGIN + code],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
        **options,
    )
    assert process.stdout.readline() == "ready\n"
    return process


def started_in_terminal(code: str) -> tuple[int, int, bytes]:
    """Start code in a terminal of its own; return its process, its terminal and its output."""
    child, terminal = pty.fork()
    if child == 0:
        os.execv(sys.executable, [sys.executable, "-c", BEGIN + code])  # noqa: S606
    seen = b""
    while b"ready" not in seen:
        seen += os.read(terminal, 100)
    return child, terminal, seen


def press_until_the_end(process: subprocess.Popen[str]) -> None:
    """Send SIGINT every 0.3 seconds until the process has ended."""

    def has_ended() -> bool:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
        return process.poll() is not None

    try:
        wait_until(has_ended, every=0.3)
    finally:
        process.kill()  # no effect after the end of the process


@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
@pytest.mark.parametrize("code", [ORDERLY, OTHERS_HANDLER])
def test_the_first_signal_ends_the_command_in_order_with_its_status(code, number, status):
    process = started(code)
    process.send_signal(number)
    out, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == status
    assert err == ""
    assert out in ("tidied up\n", "asked 1\n")


def test_a_library_that_starts_in_a_thread_does_not_take_sigterm_away():
    process = started(REPLACED_IN_A_THREAD + ORDERLY)
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=PATIENCE)
    assert (process.returncode, out, err) == (143, "tidied up\n", "")


def test_a_stopped_command_does_not_wait_for_its_memory_to_be_freed():
    process = started(SLOW_TO_FREE)
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 143
    assert (out, err) == ("report written\ncleaned up\n", "")


def test_simultaneous_signals_count_as_one():
    process = started(ORDERLY)
    # A stopped process receives the others when it continues.
    stop_signals = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)
    for number in (signal.SIGSTOP, *stop_signals, signal.SIGCONT):
        process.send_signal(number)
    out, err = process.communicate(timeout=PATIENCE)
    assert (out, err) == ("tidied up\n", "")
    assert process.returncode in (143, 129, 130)


def test_the_first_signal_is_acknowledged_at_once():
    process = started(SLOW_WITH_WORD)
    process.send_signal(signal.SIGINT)
    assert process.stdout.readline() == "stopping\n"
    assert process.poll() is None
    process.kill()
    process.communicate()


@pytest.mark.parametrize("code", [STUCK, SLOW_END, AFTER_WORK])
def test_a_second_ctrl_c_always_ends_the_command_with_one_line(code):
    process = started(code)
    press_until_the_end(process)
    out, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130
    assert out == ""
    assert err.count("\n") == 1
    assert ("--resume x" in err) == (code != SLOW_END)


def test_a_signal_takes_effect_after_an_import_that_must_not_be_interrupted():
    process = started("""
try:
    with stop_signals.held():
        ready()
        while not stop_signals.received:
            time.sleep(0.01)
        time.sleep(0.1)
        print("imported", flush=True)
    print("not reached", flush=True)
except KeyboardInterrupt:
    print("interrupted", flush=True)
""")
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=PATIENCE)
    assert out.split() == ["imported", "interrupted"]


def test_signals_ignored_by_the_parent_stay_ignored():
    def ignored():
        signal.signal(signal.SIGHUP, signal.SIG_IGN)

    process = subprocess.Popen(
        [sys.executable, "-c", BEGIN + "ready(); input(); print('still there')"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        preexec_fn=ignored,
    )
    assert process.stdout.readline() == "ready\n"
    process.send_signal(signal.SIGHUP)
    # The process reads this line after the signal.
    assert process.communicate("continue\n", timeout=PATIENCE)[0] == "still there\n"
    assert process.returncode == 0


def test_a_command_ends_in_order_when_its_terminal_is_closed(tmp_path):
    """Writing to a closed terminal raises an error, which must not interrupt the cleanup."""
    code = ORDERLY.replace("sys.exit", f"open({str(tmp_path / 'done')!r}, 'w').close(); sys.exit")
    child, terminal, _ = started_in_terminal(code)
    os.close(terminal)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 129
    assert (tmp_path / "done").exists()


def test_the_line_of_a_forced_end_is_below_a_live_table():
    child, terminal, seen = started_in_terminal(LIVE)

    def has_ended() -> bool:
        nonlocal seen
        # Linux raises an error once the process has ended, in a read after its last output only.
        with suppress(OSError):
            os.write(terminal, CTRL_C)
        with suppress(OSError):
            while select.select([terminal], [], [], 0)[0]:
                more = os.read(terminal, 1000)
                seen += more
                if not more:
                    return True
            return False
        return True

    wait_until(has_ended, every=0.3)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 130
    # The terminal may show another ^C behind the line.
    before, _, after = seen.decode().partition("--resume x")
    assert "live table" in before
    assert after.replace("^C", "").strip() == ""


def test_a_second_ctrl_c_ends_the_command_if_standard_error_is_a_closed_pipe():
    """As with ``search 2>&1 | tee log``, where the first Ctrl-C ends ``tee``, too."""
    process = started(STUCK)
    process.stderr.close()
    press_until_the_end(process)
    assert process.wait() == 130
    process.stdout.close()
