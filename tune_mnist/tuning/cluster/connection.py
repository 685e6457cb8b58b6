"""Ray: start it or connect to it, quietly, and see that a trial can be placed at all."""

import logging
import os
import socket
import sys
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import ray

from tune_mnist.errors import UserError
from tune_mnist.stop_signals import stop_signals
from tune_mnist.tuning.cluster.auth_settings import check_mode, check_token_readable
from tune_mnist.tuning.cluster.local_ray import LocalRay, LocalSettings
from tune_mnist.tuning.cluster.node_tasks import Node, alive_nodes
from tune_mnist.tuning.cluster.shipped_package import runtime_environment
from tune_mnist.tuning.ray_internals.controller import survive_memory_kills
from tune_mnist.tuning.ray_internals.settings import (
    ENVIRONMENT,
    PRELOADED_MODULES,
    reread_authentication,
)

ANSWER_SECONDS = 5
LAST_PORT = 65_535


@dataclass(frozen=True)
class Resources:
    """What the cluster has.

    Attributes:
        cpus: CPU cores, all nodes together.
        gpus: GPUs, all nodes together.
        nodes: how many nodes.
        dashboard: URL of the Ray dashboard, or None if it does not run.
        head: where the head of a cluster that was there before listens, ``host:port``; None: Ray
            was started here.
        local: Ray as it was started here; None: it was there before.
    """

    cpus: float
    gpus: float
    nodes: int
    dashboard: str | None
    head: str | None = None
    local: LocalRay | None = None


_settings = LocalSettings()


def starts_here(address: str | None) -> bool:
    """Tell whether Ray is going to be started on this machine.

    Args:
        address: as for :func:`connect`.
    """
    if ray.is_initialized():
        return False
    return (address or os.environ.get("RAY_ADDRESS") or "local") == "local"


@contextmanager
def connected(address: str | None, *, all_cores: bool = False) -> Iterator[Resources]:
    """Be connected as by :func:`connect`, and disconnect at the end, whatever happens.

    A Ray that this process is connected to already is used, and stays.
    """
    if ray.is_initialized():
        yield join(address)
        return
    try:
        yield connect(address, all_cores=all_cores)
    finally:
        disconnect()


def connect(address: str | None, *, all_cores: bool = False) -> Resources:
    """Start Ray on this machine, or connect to a cluster; Ray's own messages stay out of sight.

    Args:
        address: of a running cluster, or ``auto``; None: RAY_ADDRESS, else start one here.
        all_cores: whether there will be about as many workers as this machine has cores: Ray
            keeps a process ready for each, and lets it import what a worker needs meanwhile.

    Raises:
        UserError: nothing answers at the address, it does not let us in, or it is a cluster of
            several nodes that lets anybody in.
    """
    arguments = prepare_environment(address, all_cores=all_cores)
    reread_authentication()
    survive_memory_kills()
    given_as = "--address" if address else "RAY_ADDRESS"
    address = address or os.environ.get("RAY_ADDRESS")
    if address:
        _check_answers(address, given_as)
    elsewhere = None if starts_here(address) else address
    if elsewhere:
        # Imported here: a search on this machine needs none of the private parts of Ray in it.
        from tune_mnist.tuning.cluster.token import check_token, lets_strangers_in

        check_mode()
        check_token_readable()
        check_token(elsewhere)
    try:
        context = ray.init(
            address=address or "local",
            log_to_driver=False,
            logging_level=logging.ERROR,
            runtime_env=runtime_environment() if elsewhere else None,
            **arguments,
        )
    except UserError:
        raise
    except Exception as error:  # Ray 2.60 raises all kinds, a plain Exception for its own timeout
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        what = f"connect to Ray at '{elsewhere}'" if elsewhere else "start Ray on this machine"
        raise UserError(f"cannot {what}: {reason}") from None
    except SystemExit:
        # What Ray 2.60 makes of a SIGTERM while it starts.
        raise KeyboardInterrupt from None
    finally:
        stop_signals.take_back()
    resources = _resources(
        context.dashboard_url,
        ray.get_runtime_context().gcs_address if elsewhere else None,
        None if elsewhere else LocalRay.started(),
    )
    if elsewhere and resources.nodes > 1 and lets_strangers_in(elsewhere):
        disconnect()
        raise UserError(
            f"Ray cluster at '{elsewhere}': {resources.nodes} nodes that do what anybody tells"
            " them: start Ray on each with RAY_AUTH_MODE=token and the same ~/.ray/auth_token"
            " (once: 'ray get-auth-token --generate'), and set RAY_AUTH_MODE=token here"
        )
    return resources


def join(address: str | None) -> Resources:
    """Use the Ray that this process is connected to.

    Args:
        address: Address that the user gives, or None.

    Raises:
        UserError: The address is that of another cluster, or the connection is Ray's client.
    """
    if ray.util.client.ray.is_connected():
        raise UserError(
            "this process is connected to Ray through Ray's client (ray://), which cannot drive a"
            " search: call ray.init(address='auto') on a node of the cluster"
        )
    head = ray.get_runtime_context().gcs_address
    if address not in (None, "auto", head):
        raise UserError(
            f"--address {address}: this process is connected to Ray at {head} already: leave the"
            " option out, or call ray.shutdown() before"
        )
    survive_memory_kills()
    try:
        dashboard = ray.init(ignore_reinit_error=True, logging_level=logging.ERROR).dashboard_url
    except AttributeError:  # Ray 2.60 knows the URL in drivers only, not in its workers
        dashboard = None
    # Whether the cluster lets strangers in was for the caller to judge, who has connected to it.
    return _resources(dashboard, head, None)


def _resources(dashboard: str | None, head: str | None, local: LocalRay | None) -> Resources:
    """Describe the cluster, and keep Ray's own messages out of sight from here on."""
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
    """Return where the dashboard is, and where the token that it asks for."""
    if resources.dashboard is None:
        return "not running"
    token_file = resources.local.token_file if resources.local else None
    return resources.dashboard + (f", its token is in {token_file}" if token_file else "")


def prepare_environment(address: str | None, *, all_cores: bool = False) -> dict[str, Any]:
    """Set what Ray reads from the environment, as :func:`connect` does.

    Who starts a thread before it connects calls this first: another may be reading it then.

    Args:
        address: As for :func:`connect`.
        all_cores: As for :func:`connect`.

    Returns:
        Arguments for ``ray.init``.

    Raises:
        UserError: A Ray on this machine cannot be started like that.
    """
    if all_cores:
        os.environ.setdefault(PRELOADED_MODULES, "torch,ray.tune")
    for key, value in ENVIRONMENT.items():
        os.environ.setdefault(key, value)
    warnings.filterwarnings("ignore", category=FutureWarning, module="ray")
    return _settings.apply() if starts_here(address) else {}


def _check_answers(address: str, given_as: str) -> None:
    """See that something listens at ``host:port``: Ray itself would go on trying for minutes."""
    if address in ("auto", "local"):
        return
    if address.startswith("ray://"):
        raise UserError(
            f"{given_as} {address}: a search cannot be driven through Ray's client: run the"
            " command on a node of the cluster, with --address auto"
        )
    host, _, port = address.rpartition(":")
    if not host or not port.isdigit() or int(port) > LAST_PORT:
        raise UserError(f"{given_as} {address}: must be host:port or auto")
    try:
        open_connection(address).close()
    except OSError as error:
        raise UserError(
            f"no Ray cluster at '{address}': {error.strerror or error}: start one with"
            f" 'ray start --head', or leave out {given_as}"
        ) from None


def open_connection(address: str) -> socket.socket:
    """Connect to ``host:port``.

    Raises:
        OSError: nothing answers there within some seconds.
    """
    host, _, port = address.rpartition(":")
    return socket.create_connection((host.strip("[]"), int(port)), ANSWER_SECONDS)


def disconnect() -> None:
    """Leave the cluster, and end Ray if it was started here."""
    ray.shutdown()
    _settings.undo()
    reread_authentication()


def check_placeable(cpus_per_trial: float, gpus_per_trial: float) -> None:
    """See that at least one node could ever hold a trial.

    Raises:
        UserError: none could; says what the largest node has.
    """
    nodes = [node["Resources"] for node in alive_nodes()]
    wanted = {"CPU": cpus_per_trial, "GPU": gpus_per_trial}
    if any(all(node.get(kind, 0) >= need for kind, need in wanted.items()) for node in nodes):
        return
    for kind, need in wanted.items():
        most = max((node.get(kind, 0) for node in nodes), default=0)
        if most < need:
            raise UserError(
                f"--{kind.lower()}s-per-trial {need:g}: no node has that many {kind}s"
                f" (the largest has {most:g})"
            )
    raise UserError(f"no single node has {cpus_per_trial:g} CPUs and {gpus_per_trial:g} GPUs")


def count_fitting(
    cpus_per_trial: float, gpus_per_trial: float, nodes: Iterable[Node] | None = None
) -> int:
    """Return how many trials nodes hold at a time, all together.

    Args:
        cpus_per_trial: CPU cores of a trial.
        gpus_per_trial: GPUs of a trial.
        nodes: which; None: all that are alive.
    """
    return sum(
        min(
            _times(node.get("CPU", 0), cpus_per_trial),
            # A share of a GPU lies on one GPU, not across two.
            int(node.get("GPU", 0)) * _times(1, gpus_per_trial)
            if 0 < gpus_per_trial < 1
            else _times(node.get("GPU", 0), gpus_per_trial),
        )
        for node in (each["Resources"] for each in (alive_nodes() if nodes is None else nodes))
    )


def _times(have: float, need: float) -> int:
    """Return how often a need fits; the fractions of it that Ray counts in are 1/10,000."""
    return int(have / need + 1e-9) if need else sys.maxsize
