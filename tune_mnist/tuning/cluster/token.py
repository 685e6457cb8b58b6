"""Ray's token: does a cluster ask for one, and does ours let us in."""

from contextlib import suppress

import grpc
from ray._private.authentication.authentication_token_setup import (
    maybe_enable_token_auth_if_token_available,
)
from ray._private.authentication.authentication_utils import is_token_auth_enabled
from ray._private.grpc_utils import init_grpc_channel
from ray._private.ray_constants import GLOBAL_GRPC_OPTIONS
from ray._private.services import canonicalize_bootstrap_address
from ray.exceptions import AuthenticationError

from tune_mnist.errors import UserError

# A busy head takes its time.
ANSWER_SECONDS = 15
# Answered by the head's control service itself; an empty message is a valid request.
# A cluster that speaks TLS only has nothing to say to a plain channel.
_CLOSED = (grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.UNAVAILABLE)
_CALL = "/ray.rpc.NodeInfoGcsService/CheckAlive"


def lets_strangers_in(address: str) -> bool:
    """Tell whether a cluster answers a request that carries no token.

    Asked of the cluster itself: our own settings do not tell what it accepts from others.

    Args:
        address: ``host:port`` of the head, or ``auto``.
    """
    target = _host_and_port(address)
    with grpc.insecure_channel(target, options=GLOBAL_GRPC_OPTIONS) as channel:
        return _answer(channel) not in _CLOSED


def check_token(address: str) -> None:
    """See that a cluster lets us in: Ray itself would go on trying for 20 seconds.

    Args:
        address: ``host:port`` of the head, or ``auto``.

    Raises:
        UserError: it asks for a token, and we have none or another one; or it is no Ray.
    """
    if address == "auto":
        # Ray does so too, for a cluster that it finds on this machine, and for no other.
        maybe_enable_token_auth_if_token_available(warn_if_disabled=False)
    target = _host_and_port(address)
    try:
        with init_grpc_channel(target, options=GLOBAL_GRPC_OPTIONS) as channel:
            code = _answer(channel)
    except AuthenticationError as error:
        reason = " ".join(str(error.message).split())
        raise UserError(f"RAY_AUTH_MODE=token for Ray at '{target}': {reason}") from None
    if code is grpc.StatusCode.OK:
        return
    if code is not grpc.StatusCode.UNAUTHENTICATED:
        raise UserError(
            f"no Ray cluster at '{target}': something else answers there, or not at all"
            f" ({code.name}): 'ray status' on its head says where it listens"
        )
    if is_token_auth_enabled():
        raise UserError(
            f"Ray cluster at '{target}': it asks for another token than ours: put the cluster's"
            " into ~/.ray/auth_token, or the file's path into RAY_AUTH_TOKEN_PATH"
        )
    raise UserError(
        f"Ray cluster at '{target}': it asks for a token: set RAY_AUTH_MODE=token, with the"
        " cluster's token in ~/.ray/auth_token"
    )


def _host_and_port(address: str) -> str:
    """Return where the head listens; ``auto`` is looked up as Ray does it."""
    if address != "auto":
        return address
    found: str | None = None
    with suppress(ConnectionError):
        found = canonicalize_bootstrap_address(address)
    if found is None:
        raise UserError(
            "no Ray cluster found on this machine: start one with 'ray start --head', or leave"
            " out --address auto (or RAY_ADDRESS=auto)"
        )
    return found


def _answer(channel: grpc.Channel) -> grpc.StatusCode:
    try:
        channel.unary_unary(_CALL)(b"", timeout=ANSWER_SECONDS)
    except grpc.RpcError as error:
        return error.code()
    return grpc.StatusCode.OK
