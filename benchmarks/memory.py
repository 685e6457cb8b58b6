"""Memory that each worker needs for the data: ``python benchmarks/memory.py``.

Two Ray workers with one CPU core each train LeNet on all of MNIST at the same time, with the data
in Ray's object store as in a search. The table has the memory of each worker at every step:

- rss, the resident set size, counts every page in the address space of the worker, including
  pages shared with other processes;
- uss, the unique set size, counts only the pages that no other process has. This is the memory
  that would be freed if the worker ended, and the cost of one more worker.

The kernel's accounting (``/proc/<pid>/smaps``) shows whether the workers share physical pages. If
they do, their images are in a shared mapping of the same file at the same offset, without private
pages.
"""

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import ray
import torch
from rich.console import Console
from rich.table import Table

from tune_mnist.data import DataSplit, load_dataset, split_dataset
from tune_mnist.machine import allowed_cpus
from tune_mnist.training import TrainConfig, Trainer, resolve_compute
from tune_mnist.tuning.cluster.connection import connected

WORKERS = 2
LIMIT = 80.0
MEGABYTE = 1e6
PAGE = 4096
STEPS = ("before", "mapped", "trained")
EXPLANATION = """\
before: after PyTorch has trained LeNet on a few other images, without the data
mapped: after the data was mapped from the object store and every page was read
trained: after one epoch on all of the data, with validation
shared, private: resident pages of the object store's file that other processes have or lack
"""


@dataclass(frozen=True)
class Memory:
    """Memory of a worker at one step, in MB.

    Attributes:
        rss: Resident set size.
        uss: Unique set size.
        shared: Pages of the object store that other processes have mapped as well.
        private: Pages of the object store that only this process has mapped.
    """

    rss: float
    uss: float
    shared: float
    private: float


@dataclass(frozen=True)
class Place:
    """Location of the images; shared mappings of one location have the same physical pages.

    Attributes:
        file: Device and inode of the mapped file.
        offset: Offset of the images in the file, in bytes.
        shared: Whether the mapping is shared.
    """

    file: str = ""
    offset: int = 0
    shared: bool = False


@ray.remote(num_cpus=1)
class Worker:
    """Ray worker like that of a trial, which trains on a few images before it is measured."""

    def __init__(self) -> None:
        """Load PyTorch and allocate its buffers, which must not count as memory for the data."""
        torch.set_num_threads(1)
        rng = np.random.default_rng(0)
        labels = np.arange(2000) % 10
        images = rng.integers(0, 256, (2000, 28, 28), dtype=np.uint8)
        half = np.arange(1000)
        _train(DataSplit(images, labels, half, half + 1000, 10))
        self._place = Place()

    def memory(self) -> Memory:
        """Return the current memory of the process."""
        found = psutil.Process().memory_full_info()
        pages = _pages(self._place.file)
        return Memory(
            rss=found.rss / MEGABYTE,
            uss=found.uss / MEGABYTE,
            shared=(pages["Shared_Clean"] + pages["Shared_Dirty"]) / MEGABYTE,
            private=(pages["Private_Clean"] + pages["Private_Dirty"]) / MEGABYTE,
        )

    def map(self, data: DataSplit) -> Place:
        """Read a byte of every page of the data, keep the data, and return its location."""
        self._data = data
        for array in (data.images, data.labels, data.train, data.val):
            array.view(np.uint8).reshape(-1)[::PAGE].sum()
        self._place = _place(data.images.ctypes.data)
        return self._place

    def train(self) -> float:
        """Train and validate one epoch on all data; return the accuracy."""
        return _train(self._data)


def _train(data: DataSplit) -> float:
    config = TrainConfig(model="lenet", lr=0.001)
    return Trainer(config, data, resolve_compute("cpu")).run_epoch().val_accuracy


def _pages(file: str) -> dict[str, int]:
    """Return the kernel's totals of the process's mappings of a file, in bytes."""
    sums = dict.fromkeys(("Shared_Clean", "Shared_Dirty", "Private_Clean", "Private_Dirty"), 0)
    inside = False
    for line in Path("/proc/self/smaps").read_text().splitlines():
        key, *rest = line.split()
        if not key.endswith(":"):
            inside = f"{rest[2]} {rest[3]}" == file
        elif inside and key[:-1] in sums:
            sums[key[:-1]] += int(rest[0]) * 1024
    return sums


def _place(address: int) -> Place:
    """Return the mapping that contains an address."""
    for line in Path("/proc/self/maps").read_text().splitlines():
        span, mode, offset, device, inode, *_ = line.split()
        start, end = (int(part, 16) for part in span.split("-"))
        if start <= address < end:
            return Place(f"{device} {inode}", address - start + int(offset, 16), mode[-1] == "s")
    raise LookupError(f"no mapping holds {address:#x}")


@dataclass(frozen=True)
class Measurement:
    """Result of the measurement.

    Attributes:
        size: Size of the data in MB.
        memories: Memory of each worker at each of STEPS.
        places: Location of the images in each worker.
    """

    size: float
    memories: list[list[Memory]]
    places: list[Place]

    @property
    def growth(self) -> float:
        """Maximum growth of a worker's resident set by mapping the data, in MB."""
        before, mapped = self.memories[:2]
        return max(m.rss - b.rss for m, b in zip(mapped, before, strict=True))

    @property
    def same_pages(self) -> bool:
        """Whether all workers have the same physical pages."""
        return len(set(self.places)) == 1 and self.places[0].shared


def measure(dataset: str) -> Measurement:
    """Measure both workers at each step."""
    data = split_dataset(load_dataset(dataset))
    size = sum(array.nbytes for array in (data.images, data.labels, data.train, data.val))
    shared = ray.put(data)
    worker: Any = Worker
    workers = [worker.remote() for _ in range(WORKERS)]

    def ask() -> list[Memory]:
        found: list[Memory] = ray.get([worker.memory.remote() for worker in workers])
        return found

    before = ask()
    places = ray.get([worker.map.remote(shared) for worker in workers])
    mapped = ask()
    ray.get([worker.train.remote() for worker in workers])
    return Measurement(size / MEGABYTE, [before, mapped, ask()], places)


def report(found: Measurement, console: Console) -> None:
    """Print the table and the conclusion."""
    title = f"{WORKERS} workers, {found.size:.1f} MB of data, all in MB"
    table = Table(title=title, title_justify="left")
    table.add_column("")
    for name in ("worker", "rss", "growth", "uss", "growth", "shared", "private"):
        table.add_column(name, justify="right", no_wrap=True)
    for step, now in zip(STEPS, found.memories, strict=True):
        pairs = zip(now, found.memories[0], strict=True)
        for number, (memory, before) in enumerate(pairs, start=1):
            table.add_row(
                step,
                f"{number}",
                f"{memory.rss:.1f}",
                f"{memory.rss - before.rss:+.1f}",
                f"{memory.uss:.1f}",
                f"{memory.uss - before.uss:+.1f}",
                f"{memory.shared:.1f}",
                f"{memory.private:.1f}",
            )
    console.print(table)
    console.print(EXPLANATION, soft_wrap=True, highlight=False)
    place = found.places[0]
    console.print(
        f"mapping the data increases a resident set by {found.growth:.1f} MB, "
        + ("less" if found.growth < LIMIT else "MORE")
        + f" than {LIMIT:.0f} MB\n"
        + (
            f"both have the same pages: the images are in one file from byte {place.offset:,}"
            if found.same_pages
            else f"they have DIFFERENT pages: {found.places}"
        ),
        soft_wrap=True,
        highlight=False,
    )


def main() -> None:
    """Measure and report; exit with status 1 if a worker needs more memory than the limit."""
    parser = argparse.ArgumentParser(
        description="Measure the memory that a worker needs for the data."
    )
    parser.add_argument("--dataset", default="mnist")
    dataset = parser.parse_args().dataset
    if allowed_cpus() < WORKERS:
        raise SystemExit(f"error: the benchmark needs {WORKERS} CPU cores")
    with connected(None):
        found = measure(dataset)
    report(found, Console())
    raise SystemExit(not (found.growth < LIMIT and found.same_pages))


if __name__ == "__main__":
    main()
