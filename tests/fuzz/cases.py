"""Cases of targets, run in one process that ``fuzz()`` starts (``python -m tests.fuzz.cases``).

A case is right if the command ends with status 0, or with status 2 and one line that starts with
``error:`` and names the file. It must not change the folder, and must keep the limits of time and
memory.
"""

import contextlib
import io
import json
import resource
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path
from random import Random
from typing import Any, TextIO

from tests.fuzz.target import Target
from tune_mnist.command import run
from tune_mnist.errors import USER_ERROR
from tune_mnist.quoting import MAX_MESSAGE

CPU_SECONDS = 10.0
"""Maximum processor time of a case, many times that of the slowest on an idle machine."""

WALL_SECONDS = 240.0
MEMORY = 1_500_000_000


class TooSlow(BaseException):
    """Raised by a timer during a case; a BaseException, so that no command catches it."""


def load(name: str) -> Target:
    """Return the target of a name such as ``tests.fuzz.results:EXPERIMENT``."""
    module, _, attribute = name.partition(":")
    target = getattr(__import__(module, fromlist=[attribute]), attribute)
    assert isinstance(target, Target)
    return target


def run_case(target: Target, template: Path, file: Path, name: str, seed: int) -> dict[str, Any]:
    """Run the command on one damaged file; return the verdict.

    Args:
        target: Target with the file format.
        template: Folder with valid input.
        file: File to damage, in that folder.
        name: Name of the target, which determines the damage together with the seed.
        seed: Number of the case.
    """
    what, content = target.damage(file.read_bytes(), Random(f"{name} {seed}"))  # noqa: S311
    with tempfile.TemporaryDirectory(prefix="fuzz-") as top:
        folder = Path(top) / template.name
        shutil.copytree(template, folder, symlinks=True)
        (folder / file.relative_to(template)).write_bytes(content)
        before = _listing(Path(top))
        start = time.process_time()
        status, err = _outcome(target, folder)
        seconds = time.process_time() - start
        same = _listing(Path(top)) == before
    fault = _fault(target, status, err, same=same)
    if seconds > CPU_SECONDS:
        fault = fault or f"took {seconds:.1f} s of processor time"
    verdict = "wrong" if fault else "clean" if status == 0 else "refused"
    return {"seed": seed, "verdict": verdict, "what": what, "detail": fault or err.strip()}


def _outcome(target: Target, folder: Path) -> tuple[Any, str]:
    """Return the exit status or uncaught exception, and standard error."""
    sys.argv = ["command", *target.arguments(folder)]
    err = io.StringIO()
    status: Any = None
    try:
        with (
            contextlib.redirect_stdout(io.StringIO()),
            contextlib.redirect_stderr(err),
            _limited(),
        ):
            run(target.command)
    except SystemExit as ended:
        status = ended.code
    except BaseException as error:
        status = error
    return status, err.getvalue()


def _fault(target: Target, status: Any, err: str, *, same: bool) -> str:
    if isinstance(status, BaseException):
        return f"{_where(status)}: {type(status).__name__}: {str(status)[:200]}"
    if "Traceback" in err:
        return f"traceback on standard error: {err[-300:]}"
    if status == 0:
        return ""
    if status != USER_ERROR:
        return f"exit status {status}"
    if not err.startswith("error: ") or err.count("\n") != 1:
        return f"not one line: {err[:300]!r}"
    if len(err) > MAX_MESSAGE + 10:
        return f"a line of {len(err)} characters"
    if not err[:-1].isprintable():
        return f"control characters: {err[:300]!r}"
    if target.named not in err:
        return f"does not name {target.named}: {err[:300]}"
    return "" if same else "the folder is not as it was"


def _where(error: BaseException) -> str:
    """Return the innermost line of the project in an exception's traceback."""
    place, trace = "?", error.__traceback__
    while trace is not None:
        name = trace.tb_frame.f_code.co_filename
        if "tune_mnist/" in name:
            place = f"{name.rpartition('tune_mnist/')[2]}:{trace.tb_lineno}"
        trace = trace.tb_next
    return place


def _listing(folder: Path) -> dict[str, int]:
    return {str(path): path.lstat().st_size for path in folder.rglob("*")}


@contextlib.contextmanager
def _limited() -> Any:
    """Interrupt a case that runs too long, whether it computes or waits."""

    def stop(number: int, frame: Any) -> None:
        raise TooSlow(f"more than {CPU_SECONDS} s computed, or {WALL_SECONDS} s waited")

    signal.signal(signal.SIGPROF, stop)
    signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_PROF, CPU_SECONDS)
    signal.setitimer(signal.ITIMER_REAL, WALL_SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.setitimer(signal.ITIMER_REAL, 0)


@contextlib.contextmanager
def _limited_memory() -> Any:
    """Limit the memory that the process can allocate in addition; beyond, raise MemoryError."""
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    (held,) = (int(line.split()[1]) for line in status.splitlines() if line.startswith("VmData"))
    before = resource.getrlimit(resource.RLIMIT_DATA)
    resource.setrlimit(resource.RLIMIT_DATA, (held * 1024 + MEMORY, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, before)


def run_cases(name: str, first: int, last: int, lines: TextIO) -> None:
    """Run the cases of a target from first to last (not included), and write a line for each."""

    def write(line: dict[str, Any]) -> None:
        lines.write(json.dumps({"target": name} | line) + "\n")
        lines.flush()

    target = load(name)
    with tempfile.TemporaryDirectory(prefix="fuzz-") as top:
        template = Path(top) / "input"
        template.mkdir()
        file = target.prepare(template)
        status, err = _outcome(target, template)  # includes the imports of a first call
        assert status == 0, f"valid input is refused: {status!r} {err}"
        with _limited_memory():
            for seed in range(first, last):
                write({"begin": seed})
                write(run_case(target, template, file, name, seed))


def main(results: Path, left: dict[str, tuple[int, int]]) -> None:
    """Run the cases of each target, given as the first and last seed (not included)."""
    with results.open("a") as lines:
        for name, (first, last) in left.items():
            run_cases(name, first, last, lines)


if __name__ == "__main__":
    main(Path(sys.argv[1]), json.loads(sys.argv[2]))
