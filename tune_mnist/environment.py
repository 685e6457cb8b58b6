"""Description of the hardware and the package versions that a search ran on."""

import platform
from importlib.metadata import version
from pathlib import Path

import psutil
import torch

from tune_mnist import __version__
from tune_mnist.machine import allowed_cpus, allowed_memory

PACKAGES = ("ray", "optuna", "torch", "numpy", "scikit-learn", "pandas")


def describe_hardware() -> str:
    """Describe the processor, cores, memory and GPUs of this machine in one line.

    If this process may use only some of the cores or memory, both numbers are given, as in "4 of
    16 cores".
    """
    cores = _share(allowed_cpus(), psutil.cpu_count() or 1)
    memory = _share(round(allowed_memory() / 2**30), round(psutil.virtual_memory().total / 2**30))
    parts = [f"{_processor()}, {cores} cores, {memory} GiB"]
    parts += [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
    return ", ".join(parts)


def _share(allowed: int, total: int) -> str:
    return str(total) if allowed >= total else f"{allowed} of {total}"


def package_versions() -> dict[str, str]:
    """Return the versions of Python, tune_mnist and the packages that can affect results.

    The versions are keyed by package name.
    """
    own = {"python": platform.python_version(), "tune-mnist": __version__}
    return own | {name: version(name) for name in PACKAGES}


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()
