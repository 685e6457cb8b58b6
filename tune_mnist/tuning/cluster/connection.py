"""Start of Ray on this machine, or connection to a cluster."""

import atexit
import gc
import logging
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import ray

from tune_mnist.collector import collector_suspended
from tune_mnist.errors import UserError
from tune_mnist.stop_signals import stop_signals
from tune_mnist.tuning.cluster.address import check_answers
from tune_mnist.tuning.cluster.auth_settings import check_mode, check_token_readable
from tune_mnist.tuning.cluster.background_call import BackgroundCall
from tune_mnist.tuning.cluster.local_ray import LocalRay, LocalSettings, kill_descendants
from tune_mnist.tuning.cluster.node_packages import runtime_environment
from tune_mnist.tuning.cluster.node_tasks import alive_nodes
from tune_mnist.tuning.ray_internals.settings import (
    ENVIRONMENT,
    PRELOADED_MODULES,
    START_TIMEOUT,
    reread_authentication,
)

# The last two are for workers that cannot import this package before their first trial.
_PRELOADED = "tune_mnist.tuning.trials.worker_imports,torch,ray.tune"


@dataclass(frozen=True)
class Resources:
    """Resources of the Ray cluster that runs a search. The cluster may be this machine alone.

    Attributes:
        cpus: Number of CPU cores of all nodes together.
        gpus: Number of GPUs of all nodes together.
        nodes: Number of nodes.
        dashboard: URL of the Ray dashboard, or None if it is not running.
        head: Address of the head node, ``host:port``, or None if this process has started Ray.
        local: Processes of the Ray that this process has started, or None if Ray was running
            before.
    """

    cpus: float
    gpus: float
    nodes: int
    dashboard: str | None
    head: str | None = None
    local: LocalRay | None = None


_settings = LocalSettings()
_early: BackgroundCall[Resources] | None = None
"""Start of Ray in the background, until :func:`disconnect` is called."""


def starts_here(address: str | None) -> bool:
    """Return whether :func:`connect` would start Ray on this machine.

    Args:
        address: Address of a running cluster, as passed to :func:`connect`.
    """
    if _early is None and ray.is_initialized():
        return False
    return (address or os.environ.get("RAY_ADDRESS") or "local") == "local"


def start_early(*, all_cores: bool, with_dashboard: bool) -> None:
    """Start Ray on this machine in the background, for the next call of :func:`connected`.

    Ray's processes need seconds to start, during which the main thread can import PyTorch and
    check the inputs of a search. If nothing connects, for example because an input is invalid, Ray
    is ended when this process exits, after the error has been printed. Only commands may call this
    function: they end the process at once, even if Ray is still starting.

    Args:
        all_cores: Whether trials will use most CPU cores, as passed to :func:`connect`.
        with_dashboard: Whether to start Ray's dashboard, as passed to :func:`connect`.

    Raises:
        UserError: Ray cannot be started on this machine with the current settings.
    """
    global _early
    prepare_environment(None, all_cores=all_cores, with_dashboard=with_dashboard)
    atexit.register(disconnect)
    with stop_signals.held():
        _early = BackgroundCall(
            lambda: connect(None, all_cores=all_cores, with_dashboard=with_dashboard)
        )


@contextmanager
def connected(
    address: str | None, *, all_cores: bool = False, with_dashboard: bool = True
) -> Iterator[Resources]:
    """Context manager that connects this process to Ray and disconnects it at the end.

    If this process is already connected to Ray, the existing connection is used and stays open.

    Args:
        address: Address of a running cluster, as passed to :func:`connect`.
        all_cores: Whether trials will use most CPU cores, as passed to :func:`connect`.
        with_dashboard: Whether to start Ray's dashboard, as passed to :func:`connect`.

    Yields:
        Resources of the cluster.
    """
    if _early is None and ray.is_initialized():
        yield join(address)
        return
    try:
        if _early is None:
            yield connect(address, all_cores=all_cores, with_dashboard=with_dashboard)
        else:
            yield _early.result()
    finally:
        disconnect()


def connect(
    address: str | None, *, all_cores: bool = False, with_dashboard: bool = True
) -> Resources:
    """Start Ray on this machine, or connect to a cluster, and silence Ray's log messages.

    Args:
        address: Address of a running cluster, or ``auto``. If None, the address is read from
            RAY_ADDRESS. If this variable is not set, Ray is started on this machine.
        all_cores: Whether trials will use most CPU cores. Ray prestarts one process per core. If
            True, these processes import PyTorch and Ray Tune while they are idle.
        with_dashboard: Whether to start Ray's dashboard, if Ray is started on this machine.

    Returns:
        Resources of the cluster.

    Raises:
        UserError: No cluster answers at the address, the cluster rejects the token, or it has
            several nodes and accepts requests without a token.
    """
    arguments = prepare_environment(address, all_cores=all_cores, with_dashboard=with_dashboard)
    reread_authentication()
    given_as = "--address" if address else "RAY_ADDRESS"
    address = address or os.environ.get("RAY_ADDRESS")
    if address:
        check_answers(address, given_as)
    elsewhere = None if starts_here(address) else address
    if elsewhere:
        # Imported here because a search on this machine does not need its private parts of Ray.
        from tune_mnist.tuning.cluster.token import check_token, lets_strangers_in

        check_mode()
        check_token_readable()
        check_token(elsewhere)
    try:
        with stop_signals.termination_kept():
            context = ray.init(
                address=address or "local",
                log_to_driver=False,
                # At the level ERROR, Ray would print the log of a dashboard that starts slowly.
                logging_level=logging.CRITICAL,
                runtime_env=runtime_environment() if elsewhere else None,
                **arguments,
            )
    except UserError:
        raise
    except Exception as error:  # Ray 2.60 raises many types, a plain Exception for a timeout
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        if START_TIMEOUT in reason:
            reason = (
                "it was not ready after 30 seconds; other programs may use all CPU cores: wait"
                " for their end, or end them"
            )
        what = f"connect to Ray at '{elsewhere}'" if elsewhere else "start Ray on this machine"
        raise UserError(f"cannot {what}: {reason}") from None
    except SystemExit:
        # Ray 2.60 turns a SIGTERM during its start into SystemExit.
        raise KeyboardInterrupt from None
    logging.getLogger("ray").setLevel(logging.ERROR)
    resources = _resources(
        context.dashboard_url,
        ray.get_runtime_context().gcs_address if elsewhere else None,
        None if elsewhere else LocalRay.started(),
    )
    if elsewhere and resources.nodes > 1 and lets_strangers_in(elsewhere):
        disconnect()
        raise UserError(
            f"Ray cluster at '{elsewhere}': the {resources.nodes} nodes accept commands without a"
            " token; start Ray on each node with RAY_AUTH_MODE=token and the same"
            " ~/.ray/auth_token (create it once with 'ray get-auth-token --generate'), and set"
            " RAY_AUTH_MODE=token here"
        )
    return resources


def join(address: str | None) -> Resources:
    """Use the existing connection of this process to Ray.

    Args:
        address: Address given by the user, or None.

    Returns:
        Resources of the cluster.

    Raises:
        UserError: The process is connected to another address, or by Ray's client (``ray://``).
    """
    if ray.util.client.ray.is_connected():
        raise UserError(
            "this process is connected through Ray's client (ray://), which cannot run a search;"
            " call ray.init(address='auto') on a node of the cluster instead"
        )
    head = ray.get_runtime_context().gcs_address
    if address not in (None, "auto", head):
        raise UserError(
            f"--address {address}: this process is already connected to Ray at {head}; remove the"
            " option, or call ray.shutdown() first"
        )
    try:
        dashboard = ray.init(ignore_reinit_error=True, logging_level=logging.ERROR).dashboard_url
    except AttributeError:  # Ray 2.60 provides the URL in drivers, not in workers
        dashboard = None
    # The token mode is not checked, since the calling program chose to connect to this cluster.
    return _resources(dashboard, head, None)


def _resources(dashboard: str | None, head: str | None, local: LocalRay | None) -> Resources:
    """Return the resources of the cluster, and silence Ray's log messages."""
    for name in ("ray", "ray.tune", "ray.train"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    total = ray.cluster_resources()
    return Resources(
        cpus=total.get("CPU", 0),
        gpus=total.get("GPU", 0),
        nodes=len(alive_nodes()),
        dashboard=f"http://{dashboard}" if dashboard else None,
        head=head,
        local=local,
    )


def describe_dashboard(resources: Resources) -> str:
    """Describe to the user where the dashboard runs, and which file contains its token."""
    if resources.dashboard is None:
        return "not running"
    token_file = resources.local.token_file if resources.local else None
    return resources.dashboard + (f", token in {token_file}" if token_file else "")


def prepare_environment(
    address: str | None, *, all_cores: bool = False, with_dashboard: bool = True
) -> dict[str, Any]:
    """Set the environment variables that Ray reads when it starts.

    :func:`connect` calls this function, too. Call it earlier before starting a thread, because
    changing the environment is unsafe while another thread reads it.

    Args:
        address: Address of a running cluster, as passed to :func:`connect`.
        all_cores: Whether trials will use most CPU cores, as passed to :func:`connect`.
        with_dashboard: Whether to start Ray's dashboard, as passed to :func:`connect`.

    Returns:
        Keyword arguments for ``ray.init``.

    Raises:
        UserError: Ray cannot be started on this machine with the current settings.
    """
    if all_cores:
        os.environ.setdefault(PRELOADED_MODULES, _PRELOADED)
    for key, value in ENVIRONMENT.items():
        os.environ.setdefault(key, value)
    warnings.filterwarnings("ignore", category=FutureWarning, module="ray")
    return _settings.apply(with_dashboard=with_dashboard) if starts_here(address) else {}


def disconnect() -> None:
    """Disconnect from Ray, and end Ray if this process started it."""
    global _early
    early, _early = _early, None
    if early is not None:
        atexit.unregister(disconnect)
        if not early.done:
            # Ray would wait for a minute for the killed processes when this process exits.
            atexit.unregister(ray.shutdown)
            kill_descendants()
            return
    # If the collector frees a reference to an object of Ray in another thread while Ray 2.60 shuts
    # down, Ray ends the process with status 1. No upstream issue has been filed.
    gc.collect()
    with collector_suspended():
        ray.shutdown()
    _settings.undo()
    reread_authentication()
