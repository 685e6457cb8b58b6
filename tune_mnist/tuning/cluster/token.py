"""Checks that a Ray cluster requires a token, and accepts the token of the user."""

import grpc
from ray.exceptions import AuthenticationError

from tune_mnist.errors import UserError
from tune_mnist.tuning.ray_internals.authentication import (
    local_head,
    request_health,
    use_available_token,
    uses_token,
)

# A cluster that requires TLS is unavailable to a plain channel.
_CLOSED = (grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.UNAVAILABLE)


def lets_strangers_in(address: str) -> bool:
    """Return whether a cluster accepts requests without a token.

    A request is sent for this purpose, because the settings of this process do not determine what
    the cluster accepts.

    Args:
        address: Address of the head node, ``host:port`` or ``auto``.
    """
    return request_health(_host_and_port(address), with_token=False) not in _CLOSED


def check_token(address: str) -> None:
    """Check that a cluster accepts the token of this process.

    Without this check, Ray would retry for 20 seconds with a wrong token.

    Args:
        address: Address of the head node, ``host:port`` or ``auto``.

    Raises:
        UserError: The token is missing or wrong, or the server at the address is not Ray.
    """
    if address == "auto":
        # Like Ray, read ~/.ray/auth_token only for a cluster on this machine.
        use_available_token()
    target = _host_and_port(address)
    try:
        code = request_health(target, with_token=True)
    except AuthenticationError as error:
        reason = " ".join(str(error.message).split())
        raise UserError(
            f"RAY_AUTH_MODE is token, but there is no usable token for Ray at '{target}': {reason}"
        ) from None
    if code is grpc.StatusCode.OK:
        return
    if code is not grpc.StatusCode.UNAUTHENTICATED:
        raise UserError(
            f"no Ray cluster at '{target}': the server there is not Ray, or does not answer"
            f" ({code.name}); run 'ray status' on the head node to see the address of the cluster"
        )
    if uses_token():
        raise UserError(
            f"Ray cluster at '{target}': the cluster rejects the token of this process; copy the"
            " token of the cluster to ~/.ray/auth_token, or set RAY_AUTH_TOKEN_PATH to its file"
        )
    raise UserError(
        f"Ray cluster at '{target}': the cluster requires a token; copy its token to"
        " ~/.ray/auth_token, and set RAY_AUTH_MODE=token"
    )


def _host_and_port(address: str) -> str:
    """Return the address of the head node, after resolving ``auto`` like Ray."""
    if address != "auto":
        return address
    found = local_head()
    if found is None:
        raise UserError(
            "no Ray cluster found on this machine; start a cluster with 'ray start --head', or"
            " remove --address auto (or RAY_ADDRESS=auto)"
        )
    return found
