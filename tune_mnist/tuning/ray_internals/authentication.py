"""Token settings of Ray, and bare requests to the head of a cluster.

Ray has no public function that tests a token: ``ray.init`` retries for 20 seconds with the wrong
one. Not reported upstream.
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
"""A busy head answers late."""

HEALTH_REQUEST = "/ray.rpc.NodeInfoGcsService/CheckAlive"
"""Answered by the control service of the head; an empty message is a valid request."""


def uses_token() -> bool:
    """Return whether this process sends a token to Ray."""
    return bool(is_token_auth_enabled())


def use_available_token() -> None:
    """Send the user's token from now on if there is one, as ``ray.init("auto")`` does."""
    maybe_enable_token_auth_if_token_available(warn_if_disabled=False)


def local_head() -> str | None:
    """Return ``host:port`` of the cluster that ``auto`` finds on this machine, None if none."""
    found: str | None = None
    with suppress(ConnectionError):
        found = canonicalize_bootstrap_address("auto")
    return found


def request_health(address: str, *, with_token: bool) -> grpc.StatusCode:
    """Return the status with which the head of a cluster answers a request.

    Args:
        address: ``host:port`` of the head.
        with_token: Whether the request carries this process's token and TLS settings.

    Raises:
        AuthenticationError: This process has no token, or one that cannot be read.
    """
    make = init_grpc_channel if with_token else grpc.insecure_channel
    with make(address, options=GLOBAL_GRPC_OPTIONS) as channel:
        try:
            channel.unary_unary(HEALTH_REQUEST)(b"", timeout=ANSWER_SECONDS)
        except grpc.RpcError as error:
            return error.code()
    return grpc.StatusCode.OK
