"""CPU cores and memory that this process may use."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil


@dataclass(frozen=True)
class Cgroups:
    """CPU and memory limits of the control groups of this process (Linux only).

    Limits of parent groups are included, because containers and batch systems often set limits
    there.

    Attributes:
        mount: Folder where control groups are mounted (version 1, version 2 or both).
        membership: File that lists the control groups of the process.
    """

    mount: Path = Path("/sys/fs/cgroup")
    membership: Path = Path("/proc/self/cgroup")

    def cpus(self) -> float | None:
        """Return the CPU quota in cores, or None if there is no quota."""
        quotas = [_quota(_read(folder / "cpu.max")) for folder in self._folders("")]
        quotas += [
            _quota(f"{_read(folder / 'cpu.cfs_quota_us')} {_read(folder / 'cpu.cfs_period_us')}")
            for folder in self._folders("cpu")
        ]
        return min((quota for quota in quotas if quota is not None), default=None)

    def memory(self) -> int | None:
        """Return the memory limit in bytes, or None if there is no limit."""
        texts = [
            _read(folder / name)
            for folder in self._folders("")
            for name in ("memory.max", "memory.high")
        ]
        texts += [_read(folder / "memory.limit_in_bytes") for folder in self._folders("memory")]
        return min((int(text) for text in texts if text.isdecimal()), default=None)

    def free_memory(self) -> int | None:
        """Return the bytes that the groups may still allocate, or None if there is no limit.

        Memory of other processes in the groups, such as the workers of a search, counts as
        allocated. The file cache does not count, because the kernel frees it when memory is short.
        """
        left = []
        for controller, limits, used, cache in (
            ("", ("memory.max", "memory.high"), "memory.current", "inactive_file"),
            ("memory", ("memory.limit_in_bytes",), "memory.usage_in_bytes", "total_inactive_file"),
        ):
            for folder in self._folders(controller):
                texts = [_read(folder / name) for name in (*limits, used)]
                *caps, held = (int(text) if text.isdecimal() else None for text in texts)
                known = [cap for cap in caps if cap is not None]
                if known and held is not None:
                    left.append(min(known) - held + _stored_in(folder / "memory.stat", cache))
        return min(left, default=None)

    def _folders(self, controller: str) -> Iterator[Path]:
        """Yield the folders of the group of the process and of all its parents.

        Args:
            controller: Name of a version 1 controller, or an empty string for version 2.
        """
        for line in _read(self.membership).splitlines():
            _, controllers, group = line.split(":", 2)
            if controller not in controllers.split(","):
                continue
            for mount in self._mounts(controllers):
                inner = mount / group.lstrip("/")
                yield from (inner, *(above for above in inner.parents if mount in above.parents))
                # Inside a container the path may be that of the host. The container's own group
                # is the mount itself.
                yield mount

    def _mounts(self, controllers: str) -> list[Path]:
        if not controllers:
            return [self.mount, self.mount / "unified"]
        return [self.mount / name for name in {controllers, *controllers.split(",")}]


_OF_THIS_PROCESS = Cgroups()


def allowed_cpus(cgroups: Cgroups = _OF_THIS_PROCESS) -> int:
    """Return the number of CPU cores that this process may use, at least 1.

    The number is the minimum of the cores of the machine, the CPU affinity of the process
    (``taskset``, SLURM) and its CPU quota (containers, systemd), rounded down.
    """
    cores = os.cpu_count() or 1
    if hasattr(os, "sched_getaffinity"):  # not on macOS
        cores = min(cores, len(os.sched_getaffinity(0)))
    quota = cgroups.cpus()
    return max(1, cores if quota is None else min(cores, int(quota)))


def allowed_memory(cgroups: Cgroups = _OF_THIS_PROCESS) -> int:
    """Return the number of bytes of memory that this process may use.

    The number is the minimum of the memory of the machine, the limits of the control groups of the
    process and its address space limit (``ulimit -v``).
    """
    limits = [psutil.virtual_memory().total, cgroups.memory(), _address_space()]
    return min(limit for limit in limits if limit is not None)


def free_memory(cgroups: Cgroups = _OF_THIS_PROCESS) -> int:
    """Return the number of bytes of memory that this process may still allocate."""
    left = allowed_memory(cgroups) - psutil.Process().memory_info().rss
    in_groups = cgroups.free_memory()
    bounds = [psutil.virtual_memory().available, left, left if in_groups is None else in_groups]
    return max(0, min(bounds))


def memory_shortage(needed: int) -> str:
    """Return needed bytes and free memory as text, or ``""`` if the free memory suffices."""
    available = free_memory()
    if needed <= available:
        return ""
    return f"{needed / 1e9:.1f} GB, but only {available / 1e9:.1f} GB of memory are free"


def _address_space() -> int | None:
    try:
        import resource
    except ImportError:  # Windows
        return None
    soft, _ = resource.getrlimit(resource.RLIMIT_AS)
    return None if soft == resource.RLIM_INFINITY else soft


def _quota(text: str) -> float | None:
    """Convert ``<quota> <period>``, both in microseconds, to cores. None if there is no quota."""
    quota, _, period = text.partition(" ")
    if not (quota.isdecimal() and period.isdecimal() and int(period)):
        return None
    return int(quota) / int(period)


def _stored_in(path: Path, key: str) -> int:
    """Return the value of a key in a file of ``<key> <number>`` lines, or 0 if it is missing."""
    pairs = (line.partition(" ") for line in _read(path).splitlines())
    return next((int(value) for name, _, value in pairs if name == key and value.isdecimal()), 0)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return ""
