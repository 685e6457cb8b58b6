"""Settings of the process: set before libraries are imported, restored after a run."""

import logging
import os
import signal
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tune_mnist.machine import Cgroups, allowed_cpus
from tune_mnist.private_folder import private_folder

_LOGGERS = ("ray", "ray.tune", "ray.train", "optuna")


def set_up_process() -> None:
    """Set what libraries read from the environment when they are imported.

    Threads of PyTorch that spin while they wait bring a busy machine to a crawl, and OpenMP knows
    the affinity of the process, but not the CPU quota of a container. Ray cannot be imported by a
    user without a home folder (HTCondor, some containers): a private temporary one replaces it.

    Raises:
        UserError: There is no home folder, and no temporary one can be made.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    cgroups = Cgroups()
    if cgroups.cpus() is not None:
        os.environ.setdefault("OMP_NUM_THREADS", str(allowed_cpus(cgroups)))
    try:
        Path.home()
    except RuntimeError:
        os.environ["HOME"] = str(private_folder())


@contextmanager
def process_restored() -> Iterator[None]:
    """Restore at the end what a search or training run changes in the calling process.

    These are the environment (Ray's settings), log levels and warning filters, PyTorch's number of
    threads and random state, and the handler of SIGTERM, which Ray 2.60 replaces at its start.
    """
    import torch

    environment = dict(os.environ)
    levels = {name: logging.getLogger(name).level for name in _LOGGERS}
    threads, random_state = torch.get_num_threads(), torch.get_rng_state()
    in_main_thread = threading.current_thread() is threading.main_thread()
    handler = signal.getsignal(signal.SIGTERM)
    try:
        with warnings.catch_warnings():
            yield
    finally:
        if in_main_thread and handler is not None:  # None: not installed from Python
            signal.signal(signal.SIGTERM, handler)
        torch.set_num_threads(threads)
        torch.set_rng_state(random_state)
        for name, level in levels.items():
            logging.getLogger(name).setLevel(level)
        _restore_environment(environment)


def _restore_environment(before: dict[str, str]) -> None:
    for name in set(os.environ) - set(before):
        del os.environ[name]
    for name, value in before.items():
        if os.environ.get(name) != value:
            os.environ[name] = value
