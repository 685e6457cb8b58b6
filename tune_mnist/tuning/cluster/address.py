"""Address of a Ray cluster."""

import socket

from tune_mnist.errors import UserError

CONNECT_SECONDS = 5
LAST_PORT = 65_535


def check_answers(address: str, given_as: str) -> None:
    """Check that a process listens at the address of a cluster, for which Ray would wait minutes.

    Args:
        address: Address of the cluster, ``host:port``. ``auto`` and ``local`` are not checked.
        given_as: Option or environment variable that contains the address.

    Raises:
        UserError: Nothing listens there, or the address has another form.
    """
    if address in ("auto", "local"):
        return
    if address.startswith("ray://"):
        raise UserError(
            f"{given_as} {address}: Ray's client (ray://) cannot run a search; run the command on"
            " a node of the cluster with --address auto"
        )
    host, _, port = address.rpartition(":")
    if not host or not port.isdigit() or int(port) > LAST_PORT:
        raise UserError(f"{given_as} must be host:port or auto, but is '{address}'")
    try:
        open_connection(address).close()
    except OSError as error:
        raise UserError(
            f"no Ray cluster at '{address}': {error.strerror or error}; start a cluster with"
            f" 'ray start --head', or remove {given_as}"
        ) from None


def open_connection(address: str) -> socket.socket:
    """Open a TCP connection to ``host:port``.

    Raises:
        OSError: Nothing answers within CONNECT_SECONDS.
    """
    host, _, port = address.rpartition(":")
    return socket.create_connection((host.strip("[]"), int(port)), CONNECT_SECONDS)
