"""Networks of a user on their way to the workers, whose nodes need not have their module."""

import pickle
import sys
from collections.abc import Iterable

from ray import cloudpickle

from tune_mnist.errors import UserError, last_line
from tune_mnist.models import registry

_PACKAGE = "tune_mnist"
_MAIN = "__main__"

_unpacked: list[bytes] = []
"""What this process has registered last: a worker of a long-lived Ray serves several searches."""


def pack_networks(models: Iterable[str]) -> bytes:
    """Return the architectures that do not come with the package, classes and all; maybe empty.

    The code goes as an argument, not as a runtime environment: Ray keeps processes without one
    ready on this machine, and on a cluster a job may have brought its own.

    Args:
        models: Names of the architectures of a search.

    Raises:
        UserError: A class refers to something that cannot be sent to another process.
    """
    wanted = set(models)
    networks = [each for each in registry.own_networks() if each.name in wanted]
    if not networks:
        return b""
    for each in networks:
        package = each.build.__module__.partition(".")[0]
        if package not in (_PACKAGE, _MAIN):
            # By value: a node without the module could not import it.
            cloudpickle.register_pickle_by_value(sys.modules[package])
    try:
        packed: bytes = cloudpickle.dumps(networks)
    except Exception as error:  # whatever an object of the user's raises
        names = ", ".join(each.name for each in networks)
        raise UserError(
            f"network {names}: its code cannot be sent to the workers: {last_line(error)}"
        ) from None
    return packed


def unpack_networks(packed: bytes) -> None:
    """Register on a worker what :func:`pack_networks` has returned on the driver."""
    if not packed or packed in _unpacked:
        return
    _unpacked.clear()
    for architecture in pickle.loads(packed):  # noqa: S301 - the driver sent it, by Ray
        registry.take_over(architecture)
    _unpacked.append(packed)
