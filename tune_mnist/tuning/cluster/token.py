"""Token of a Ray cluster: whether the cluster requires one, and whether it accepts ours."""

import grpc
from ray.exceptions import AuthenticationError

from tune_mnist.errors import UserError
from tune_mnist.tuning.ray_internals.authentication import (
    local_head,
    request_health,
    use_available_token,
    uses_token,
)

# A cluster that speaks TLS only does not answer a plain channel.
_CLOSED = (grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.UNAVAILABLE)


def lets_strangers_in(address: str) -> bool:
    """Return whether a cluster answers a request that carries no token.

    The settings of this process say nothing of what the cluster accepts from others.

    Args:
        address: ``host:port`` of the head, or ``auto``.
    """
    return request_health(_host_and_port(address), with_token=False) not in _CLOSED


def check_token(address: str) -> None:
    """Check that a cluster accepts this process: Ray itself retries for 20 seconds.

    Args:
        address: ``host:port`` of the head, or ``auto``.

    Raises:
        UserError: The cluster requires a token, and ours is missing or another one; or what
            answers is no Ray.
    """
    if address == "auto":
        # Ray does so too, for a cluster that it finds on this machine, and for no other.
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
            f"no Ray cluster at '{target}': something else answers there, or not at all"
            f" ({code.name}): 'ray status' on its head says where it listens"
        )
    if uses_token():
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
    found = local_head()
    if found is None:
        raise UserError(
            "no Ray cluster found on this machine: start one with 'ray start --head', or leave"
            " out --address auto (or RAY_ADDRESS=auto)"
        )
    return found
