"""Checks of a Ray cluster's authentication: token required, token accepted."""

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
    """Return whether a cluster answers requests without a token.

    The cluster is asked, because the settings of this process do not show what it accepts.

    Args:
        address: Address of the head, ``host:port`` or ``auto``.
    """
    return request_health(_host_and_port(address), with_token=False) not in _CLOSED


def check_token(address: str) -> None:
    """Check that a cluster accepts the token of this process; Ray itself retries for 20 seconds.

    Args:
        address: Address of the head, ``host:port`` or ``auto``.

    Raises:
        UserError: The token is missing or wrong, or the server at the address is not Ray.
    """
    if address == "auto":
        # As Ray does, which reads ~/.ray/auth_token only for a cluster on this machine.
        use_available_token()
    target = _host_and_port(address)
    try:
        code = request_health(target, with_token=True)
    except AuthenticationError as error:
        reason = " ".join(str(error.message).split())
        raise UserError(f"RAY_AUTH_MODE=token for Ray at '{target}': {reason}") from None
    if code is grpc.StatusCode.OK:
        return
    if code is not grpc.StatusCode.UNAUTHENTICATED:
        raise UserError(
            f"no Ray cluster at '{target}': the server there is not Ray, or does not answer"
            f" ({code.name}): 'ray status' on the head shows the address of the cluster"
        )
    if uses_token():
        raise UserError(
            f"Ray cluster at '{target}': rejects the token of this process: copy the cluster's"
            " token to ~/.ray/auth_token, or set RAY_AUTH_TOKEN_PATH to its file"
        )
    raise UserError(
        f"Ray cluster at '{target}': requires a token: copy the cluster's token to"
        " ~/.ray/auth_token, and set RAY_AUTH_MODE=token"
    )


def _host_and_port(address: str) -> str:
    """Return the address of the head; resolve ``auto`` as Ray does."""
    if address != "auto":
        return address
    found = local_head()
    if found is None:
        raise UserError(
            "no Ray cluster found on this machine: start one with 'ray start --head', or remove"
            " --address auto (or RAY_ADDRESS=auto)"
        )
    return found
