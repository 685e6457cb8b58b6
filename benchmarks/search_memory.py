"""How much memory a running search takes: ``python -m benchmarks.search_memory``.

A search over LeNet on all of MNIST is started as a user starts one, and twice a second its driver
and each worker that trains are looked at from outside. For each process the table has the largest

- rss, the resident set: every page in its address space, those it shares with others too;
- uss, the unique set: the pages that nobody else has, which would come free if it ended.

``benchmarks/memory.py`` tells what of a worker's memory is the data's.
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
"""Ray names a worker's process by what it does: a trial's function, and which trial."""


@dataclass
class Peak:
    """The largest memory that was seen of a process, in MB.

    Attributes:
        role: ``driver``, or ``worker`` and a number.
        rss: resident set.
        uss: unique set.
    """

    role: str
    rss: float = 0.0
    uss: float = 0.0

    def take_in(self, process: psutil.Process) -> None:
        """Look at the process once more; one that has just ended has no memory left to see."""
        try:
            found = process.memory_full_info()
        except psutil.Error:
            return
        self.rss = max(self.rss, found.rss / MEGABYTE)
        self.uss = max(self.uss, found.uss / MEGABYTE)


def watch(search: psutil.Popen) -> list[Peak]:
    """Watch a search until it ends; return the peaks of its driver and of its workers."""
    peaks = {search.pid: Peak("driver")}
    while search.poll() is None:
        peaks[search.pid].take_in(search)
        for worker in _training(search):
            name = f"worker {len(peaks)}"
            peaks.setdefault(worker.pid, Peak(name)).take_in(worker)
        time.sleep(SAMPLE_SECONDS)
    return list(peaks.values())


def _training(search: psutil.Popen) -> list[psutil.Process]:
    """Return the processes below the search that hold a trial."""
    found = []
    try:
        for process in search.children(recursive=True):
            if " ".join(process.cmdline()).startswith(TRAINING):
                found.append(process)
    except psutil.Error:  # one ended while it was looked at; the next look is soon
        pass
    return found


@click.command()
@click.option("--space", default="lenet", show_default=True)
@click.option("--dataset", default="mnist", show_default=True)
@click.option("--num-samples", type=int, default=4, show_default=True)
@click.option("--max-epochs", type=int, default=2, show_default=True)
@click.option("--output", type=click.Path(path_type=Path), default=STEM, help="Stem of the files.")
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
