"""Memory of a running search: ``python -m benchmarks.search_memory``.

Starts a search over LeNet on all of MNIST as a user does, and measures its driver and each worker
twice per second. The table has the peak of each process:

- rss, the resident set size: every page in its address space, including shared pages;
- uss, the unique set size: the pages that no other process uses, which would be freed if the
  process ended.

``benchmarks/memory.py`` measures how much memory of a worker is used for the data.
"""

import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import click
import pandas as pd
import psutil

from benchmarks.tables import show_and_write
from tune_mnist.command import run

STEM = Path(__file__).with_suffix("")
SAMPLE_SECONDS = 0.5
MEGABYTE = 1e6
TRAINING = ("ray::ImplicitFunc", "ray::#")
"""Prefixes of the process names that Ray gives to workers of trials."""


@dataclass
class Peak:
    """Peak memory of a process in MB.

    Attributes:
        role: Role of the process: ``driver``, or ``worker`` and a number.
        rss: Resident set size.
        uss: Unique set size.
    """

    role: str
    rss: float = 0.0
    uss: float = 0.0

    def take_in(self, process: psutil.Process) -> None:
        """Measure a process, unless it has ended, and update the peak."""
        try:
            found = process.memory_full_info()
        except psutil.Error:
            return
        self.rss = max(self.rss, found.rss / MEGABYTE)
        self.uss = max(self.uss, found.uss / MEGABYTE)


def watch(search: psutil.Popen) -> list[Peak]:
    """Measure a search until it ends; return the peaks of its driver and its workers."""
    peaks = {search.pid: Peak("driver")}
    while search.poll() is None:
        peaks[search.pid].take_in(search)
        for worker in _training(search):
            name = f"worker {len(peaks)}"
            peaks.setdefault(worker.pid, Peak(name)).take_in(worker)
        time.sleep(SAMPLE_SECONDS)
    return list(peaks.values())


def _training(search: psutil.Popen) -> list[psutil.Process]:
    """Return the child processes of a search that run a trial."""
    found = []
    try:
        for process in search.children(recursive=True):
            if " ".join(process.cmdline()).startswith(TRAINING):
                found.append(process)
    except psutil.Error:  # a process ended during the measurement; the next one follows soon
        pass
    return found


@click.command()
@click.option("--space", default="lenet", show_default=True)
@click.option("--dataset", default="mnist", show_default=True)
@click.option("--num-samples", type=int, default=4, show_default=True)
@click.option("--max-epochs", type=int, default=2, show_default=True)
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    default=STEM,
    help="Output path without extension.",
)
def main(space: str, dataset: str, num_samples: int, max_epochs: int, output: Path) -> None:
    """Measure the memory of a running search."""
    with tempfile.TemporaryDirectory() as folder:
        search = psutil.Popen(
            [
                *(sys.executable, "-m", "tune_mnist.search", "--space", space),
                *("--dataset", dataset, "--num-samples", str(num_samples)),
                *("--max-epochs", str(max_epochs), "--final-seeds", "0"),
                *("--output-dir", folder, "--name", "memory"),
            ],
            stdout=subprocess.DEVNULL,
        )
        peaks = watch(search)
    if search.returncode:
        raise SystemExit(f"error: the search ended with status {search.returncode}")
    rows = [
        {"process": peak.role, "peak_rss_mb": peak.rss, "peak_uss_mb": peak.uss} for peak in peaks
    ]
    show_and_write(pd.DataFrame(rows), output, f"Memory of a search, {space} on {dataset}")


if __name__ == "__main__":
    run(main)
