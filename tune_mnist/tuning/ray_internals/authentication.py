"""Token settings of Ray, and bare requests to the head of a cluster.

Ray has no public function that tests a token, and ``ray.init`` retries a wrong token for 20
seconds. Not reported upstream.
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
"""Timeout of a request; a busy head may need several seconds."""

HEALTH_REQUEST = "/ray.rpc.NodeInfoGcsService/CheckAlive"
"""Method of the head's control service that accepts an empty message."""


def uses_token() -> bool:
    """Return whether this process sends a token to Ray."""
    return bool(is_token_auth_enabled())


def use_available_token() -> None:
    """Enable the user's token for this process, if there is one, as ``ray.init("auto")`` does."""
    maybe_enable_token_auth_if_token_available(warn_if_disabled=False)


def local_head() -> str | None:
    """Return the address of the cluster that ``auto`` finds on this machine, or None."""
    found: str | None = None
    with suppress(ConnectionError):
        found = canonicalize_bootstrap_address("auto")
    return found


def request_health(address: str, *, with_token: bool) -> grpc.StatusCode:
    """Return the gRPC status of a health request to the head of a cluster.

    Args:
        address: Address of the head, ``host:port``.
        with_token: Whether to send this process's token and use its TLS settings.

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
