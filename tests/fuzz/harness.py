"""Fuzzing of file formats: every damaged file must give a clean result or one error line.

In a test: ``fuzz("tests.fuzz.results:EXPERIMENT", 60).require_right()``. By hand, with the
counts: ``python -m tests.fuzz.harness tests.fuzz.results:EXPERIMENT 20000``; a third number is the
first seed, to repeat a single case.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

PATIENCE_SECONDS = 600.0
"""Seconds without a new line after which the process counts as hanging and is killed."""

ROOT = Path(__file__).parents[2]


@dataclass
class Tally:
    """Verdicts on the cases of a target.

    Attributes:
        counts: Number of cases by verdict: clean, refused, wrong.
        wrong: One-line description of each wrong case.
    """

    counts: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)

    def add(self, seed: int, verdict: str, what: str, detail: str) -> None:
        """Count a case."""
        self.counts[verdict] += 1
        if verdict == "wrong":
            self.wrong.append(f"case {seed} ({what[:100]}): {detail}")

    def require_right(self, *, refusals: bool = True) -> None:
        """Fail if a case is wrong, or if no case was refused.

        Args:
            refusals: Whether refusals are expected; if not, fail if a case was refused.
        """
        assert not self.wrong, f"{len(self.wrong)} wrong:\n" + "\n".join(self.wrong[:20])
        assert bool(self.counts["refused"]) == refusals, self.counts

    def __str__(self) -> str:
        return f"{self.counts.total()} cases: {dict(sorted(self.counts.items()))}"


def fuzz(name: str, count: int, first: int = 0) -> Tally:
    """Run seeded cases of a target in a process with limits, and count the verdicts.

    Args:
        name: Module and attribute of the target, ``module:ATTRIBUTE``.
        count: Number of cases.
        first: Seed of the first case.
    """
    return fuzz_together({name: count}, first)[name]


def fuzz_together(counts: Mapping[str, int], first: int = 0) -> dict[str, Tally]:
    """Run seeded cases of several targets in one process, as each process imports PyTorch.

    Args:
        counts: Number of cases of each target; see :func:`fuzz`.
        first: Seed of the first case of each target.

    Returns:
        Verdicts on the cases of each target.
    """
    tallies = {name: Tally() for name in counts}
    left = {name: (first, first + count) for name, count in counts.items()}
    while left:
        lines, ended = _run(left)
        begun = [(line["target"], line["begin"]) for line in lines if "begin" in line]
        done = [line for line in lines if "verdict" in line]
        for line in done:
            tallies[line.pop("target")].add(**line)
        if not begun:
            raise AssertionError(f"{next(iter(left))}: the process {ended} before any case")
        name, seed = begun[-1]
        if len(done) < len(begun):
            tallies[name].add(seed, "wrong", "?", f"the process {ended}")
        begun_last = dict(begun)
        rest = {
            name: (begun_last.get(name, start - 1) + 1, last)
            for name, (start, last) in left.items()
        }
        left = {name: (start, last) for name, (start, last) in rest.items() if start < last}
        if left and len(done) == len(begun):
            raise AssertionError(f"{next(iter(left))}: the process {ended} between two cases")
    return tallies


def _run(left: Mapping[str, tuple[int, int]]) -> tuple[list[dict[str, Any]], str]:
    """Run cases until the process ends; return its lines and a description of its end."""
    with tempfile.TemporaryDirectory() as top:
        results, log = Path(top) / "lines", Path(top) / "log"
        results.touch()
        with log.open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "tests.fuzz.cases", results, json.dumps(left)],
                cwd=ROOT,
                env=os.environ | {"OMP_NUM_THREADS": "1"},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
            hangs = _wait(process, results)
        lines = [json.loads(line) for line in results.read_text().splitlines()]
        said = log.read_text(errors="replace")[-1_000:]
        return lines, "hangs" if hangs else f"ended with {process.returncode}: {said}"


def _wait(process: "subprocess.Popen[bytes]", results: Path) -> bool:
    """Wait for the end of the process; return whether it was killed for lack of progress."""
    size, since = 0, time.monotonic()
    while True:
        try:
            process.wait(timeout=1)
            return False
        except subprocess.TimeoutExpired:
            if results.stat().st_size != size:
                size, since = results.stat().st_size, time.monotonic()
            elif time.monotonic() - since > PATIENCE_SECONDS:
                process.kill()
                process.wait()
                return True


if __name__ == "__main__":
    tallied = fuzz(sys.argv[1], int(sys.argv[2]), int((sys.argv[3:] or ["0"])[0]))
    print("\n".join([*tallied.wrong, str(tallied)]))
    sys.exit(bool(tallied.wrong))
