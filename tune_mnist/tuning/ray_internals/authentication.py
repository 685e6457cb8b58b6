"""Token settings of Ray, and health requests to the head node of a cluster.

A health request tests a token. Ray has no public function for this test, and ``ray.init`` retries
a wrong token for 20 seconds. No upstream issue has been filed.
"""

from contextlib import suppress

import grpc
from ray._private.authentication.authentication_token_setup import (
    maybe_enable_token_auth_if_token_available,
)
from ray._private.authentication.authentication_utils import is_token_auth_enabled
from ray._private.grpc_utils import init_grpc_channel
from ray._private.ray_constants import GLOBAL_GRPC_OPTIONS
from ray._private.services import canonicalize_bootstrap_address

ANSWER_SECONDS = 15
"""Timeout of a request in seconds. A busy head node may need several seconds to answer."""

HEALTH_REQUEST = "/ray.rpc.NodeInfoGcsService/CheckAlive"
"""Method of the head node's control service that accepts an empty message."""


def uses_token() -> bool:
    """Return whether this process authenticates itself to Ray with a token."""
    return bool(is_token_auth_enabled())


def use_available_token() -> None:
    """Make Ray use the token of this user if there is one, as ``ray.init("auto")`` does."""
    maybe_enable_token_auth_if_token_available(warn_if_disabled=False)


def local_head() -> str | None:
    """Return the address of the cluster that Ray finds on this machine, or None without one."""
    found: str | None = None
    with suppress(ConnectionError):
        found = canonicalize_bootstrap_address("auto")
    return found


def request_health(address: str, *, with_token: bool) -> grpc.StatusCode:
    """Send a health request to the head node of a cluster, and return the gRPC status.

    Args:
        address: Address of the head node, ``host:port``.
        with_token: Whether to send the token and use the TLS settings of this process.

    Raises:
        AuthenticationError: The token of this process is missing or cannot be read.
    """
    make = init_grpc_channel if with_token else grpc.insecure_channel
    with make(address, options=GLOBAL_GRPC_OPTIONS) as channel:
        try:
            channel.unary_unary(HEALTH_REQUEST)(b"", timeout=ANSWER_SECONDS)
        except grpc.RpcError as error:
            return error.code()
    return grpc.StatusCode.OK
