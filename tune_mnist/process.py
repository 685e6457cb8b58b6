"""Settings of the process, which are set before a run and restored after it."""

import logging
import os
import signal
import sys
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tune_mnist.collector import collector_suspended
from tune_mnist.machine import Cgroups, allowed_cpus
from tune_mnist.private_folder import private_folder
from tune_mnist.stop_signals import stop_signals

RAY_THREAD = "start Ray"
"""Name of the thread that starts Ray early. It stays alive, and may still be inside Ray."""

_LOGGERS = ("ray", "ray.tune", "ray.train", "optuna", "mlflow", "alembic")


def started_ray_early() -> bool:
    """Return whether this process has started Ray in a thread."""
    return any(thread.name == RAY_THREAD for thread in threading.enumerate())


def set_up_process() -> None:
    """Set environment variables that libraries read when they are imported. Call it first.

    - ``OMP_WAIT_POLICY``: makes idle threads of PyTorch sleep, as spinning slows down a busy
      machine.
    - ``OMP_NUM_THREADS``: limits the threads to the CPU quota of a container, which OpenMP does
      not respect by itself.
    - ``HOME``: is set to a private temporary folder if the user has no home folder (HTCondor, some
      containers), as Ray cannot be imported without a home folder.

    Raises:
        UserError: There is no home folder, and no temporary folder can be created.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    cgroups = Cgroups()
    if cgroups.cpus() is not None:
        os.environ.setdefault("OMP_NUM_THREADS", str(allowed_cpus(cgroups)))
    try:
        Path.home()
    except RuntimeError:
        os.environ["HOME"] = str(private_folder())


def import_torch() -> None:
    """Import PyTorch, delaying Ctrl-C until the import has ended.

    A KeyboardInterrupt in the C++ part of the import would abort the process (status 134).
    """
    with stop_signals.held(), collector_suspended():
        import torch  # noqa: F401


@contextmanager
def process_restored() -> Iterator[None]:
    """Context manager that restores the settings of this process after a search or training run.

    The settings are the environment variables, log levels, warning filters, ``sys.path``, the
    number of threads and the random states of PyTorch, and the SIGTERM handler, which Ray 2.60
    replaces when it starts.
    """
    import torch

    environment = dict(os.environ)
    levels = {name: logging.getLogger(name).level for name in _LOGGERS}
    threads, random_state = torch.get_num_threads(), torch.get_rng_state()
    seed = torch.initial_seed()
    uses_cuda = torch.cuda.is_initialized()  # type: ignore[no-untyped-call]
    cuda_states = torch.cuda.get_rng_state_all() if uses_cuda else []
    in_main_thread = threading.current_thread() is threading.main_thread()
    handler = signal.getsignal(signal.SIGTERM)
    try:
        with warnings.catch_warnings(), import_path_restored():
            yield
    finally:
        if in_main_thread and handler is not None:  # None: the handler is not a Python function
            signal.signal(signal.SIGTERM, handler)
        torch.set_num_threads(threads)
        torch.set_rng_state(random_state)
        if uses_cuda:
            torch.cuda.set_rng_state_all(cuda_states)
        elif torch.cuda.is_available():  # first used during the run: reset to the initial seed
            torch.cuda.manual_seed_all(seed)
        for name, level in levels.items():
            logging.getLogger(name).setLevel(level)
        _restore_environment(environment)


@contextmanager
def import_path_restored() -> Iterator[None]:
    """Context manager that restores ``sys.path``, which importing a user's networks may extend."""
    path = list(sys.path)
    try:
        yield
    finally:
        sys.path[:] = path


def _restore_environment(before: dict[str, str]) -> None:
    for name in set(os.environ) - set(before):
        del os.environ[name]
    for name, value in before.items():
        if os.environ.get(name) != value:
            os.environ[name] = value
