import os
import re
import signal
import subprocess
import sys
from contextlib import suppress

import psutil
import pytest

from benchmarks.searching import ROOT
from tests.messages import assert_named
from tests.waiting import PATIENCE, wait_until

# Leaves a process in a session of its own, as Ray does, and a temporary file, and waits.
COMMAND = """
import os, pathlib, subprocess, sys, time
subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
pathlib.Path(os.environ["TMPDIR"], "left").touch()
print(os.environ["TMPDIR"], flush=True)
pathlib.Path(sys.argv[1]).touch()
time.sleep(600)
"""
BOUNDED = """
import os, pathlib, psutil, subprocess, sys
from benchmarks.versus import bounded_run
from benchmarks.versus.bounded_run import run_bounded
command, at_most = sys.argv[1], float(sys.argv[4])
started, log = map(pathlib.Path, sys.argv[2:4])
other = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
PREPARE
try:
    ended = run_bounded([sys.executable, "-c", command, str(started)], log, "it", REACHED, at_most)
    left = set(psutil.Process().children(recursive=True)) - {psutil.Process(other.pid)}
    spared = other.poll() is None
finally:
    other.kill()
folder = pathlib.Path(log.read_text().strip() or "/nowhere")
print(ended.ending, len(left), folder.exists(), spared)
"""


def bounded_apart(tmp_path, command=COMMAND, reached="started.exists", at_most=600, prepare=""):
    """Start a process that runs a command, and becomes the parent of all orphans."""
    arguments = [command, str(tmp_path / "started"), str(tmp_path / "log"), str(at_most)]
    script = BOUNDED.replace("REACHED", reached).replace("PREPARE", prepare)
    return subprocess.Popen(
        [sys.executable, "-c", script, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )


def run_bounded_apart(tmp_path, **given):
    """Run a command from a process of its own; return its output and its errors."""
    return bounded_apart(tmp_path, **given).communicate(timeout=PATIENCE)


def test_a_run_is_ended_at_its_target_with_all_its_processes_and_no_others(tmp_path):
    out, _ = run_bounded_apart(tmp_path)
    assert out.split() == ["reached", "0", "False", "True"]


def test_a_run_is_ended_when_its_time_is_up(tmp_path):
    out, _ = run_bounded_apart(tmp_path, reached="bool", at_most=3)
    assert out.split() == ["time", "0", "False", "True"]


# Ends at once, and leaves a process in its group.
FINISHES = """
import os, subprocess, sys
subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
print(os.environ["TMPDIR"], flush=True)
"""


def test_no_signal_goes_to_the_number_of_a_process_that_has_been_waited_for(tmp_path):
    prepare = "os.killpg = lambda *_: print('killed the group of a finished process')"
    out, _ = run_bounded_apart(tmp_path, command=FINISHES, reached="bool", prepare=prepare)
    assert out.split() == ["finished", "0", "False", "True"]


def test_a_process_that_cannot_be_killed_ends_the_comparison(tmp_path):
    prepare = """
def kill(process):
    raise psutil.AccessDenied(process.pid)
psutil.Process.kill = kill
bounded_run.END_SECONDS = 1
"""
    _, errors = run_bounded_apart(tmp_path, prepare=prepare)
    (line,) = errors.splitlines()
    numbers = [int(word) for word in re.findall(r"\d+", line)]
    assert line.startswith("error: it: ")
    assert len(numbers) == 1
    os.kill(numbers[0], signal.SIGKILL)


WAITS = """
import os, pathlib, sys, time
written = pathlib.Path(sys.argv[1] + ".part")
written.write_text(str(os.getpid()))
written.rename(sys.argv[1])
time.sleep(600)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="needs prctl")
def test_a_command_is_killed_with_the_process_that_runs_it(tmp_path):
    process = bounded_apart(tmp_path, command=WAITS, reached="bool")
    started = tmp_path / "started"
    wait_until(started.exists, process)
    command = psutil.Process(int(started.read_text()))
    children = psutil.Process(process.pid).children()
    assert command in children
    process.kill()
    process.wait()
    try:
        wait_until(lambda: not command.is_running() or command.status() == psutil.STATUS_ZOMBIE)
    finally:
        for each in children:
            with suppress(psutil.NoSuchProcess):
                each.kill()


def test_a_command_that_fails_ends_the_comparison(tmp_path):
    _, errors = run_bounded_apart(tmp_path, command="raise SystemExit(3)")
    assert errors.startswith("error: ")
    assert_named(["it", "3", str(tmp_path / "log")], errors)
