"""Serialisation of the user's own networks for workers that cannot import their module."""

import pickle
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from ray import cloudpickle

from tune_mnist.errors import UserError, last_line
from tune_mnist.models import registry

_PACKAGE = "tune_mnist"
_MAIN = "__main__"

_unpacked: list[bytes] = []
"""Networks registered last in this process; a worker of a shared Ray serves several searches."""


def pack_networks(models: Iterable[str]) -> bytes:
    """Pickle the user's own architectures with their classes; empty if there are none.

    The code is sent as an argument, not in a runtime environment: Ray starts processes in advance
    only without one, and a job on a cluster may have set its own.

    Args:
        models: Names of the architectures of a search.

    Raises:
        UserError: A class refers to an object that cannot be pickled.
    """
    wanted = set(models)
    networks = [each for each in registry.own_networks() if each.name in wanted]
    if not networks:
        return b""
    packages = {each.build.__module__.partition(".")[0] for each in networks}
    try:
        with _pickled_by_value(packages - {_PACKAGE, _MAIN}):
            packed: bytes = cloudpickle.dumps(networks)
    except Exception as error:  # the user's objects may raise any exception
        names = ", ".join(each.name for each in networks)
        raise UserError(
            f"network {names}: its code cannot be sent to the workers: {last_line(error)}"
        ) from None
    return packed


@contextmanager
def _pickled_by_value(packages: set[str]) -> Iterator[None]:
    """Pickle what the packages define by value: other nodes may not have the modules."""
    new = packages - cloudpickle.list_registry_pickle_by_value()
    for package in new:
        cloudpickle.register_pickle_by_value(sys.modules[package])
    try:
        yield
    finally:  # the calling program may pickle objects of these packages, too
        for package in new:
            cloudpickle.unregister_pickle_by_value(sys.modules[package])


def unpack_networks(packed: bytes) -> None:
    """Register on a worker the networks that :func:`pack_networks` pickled on the driver."""
    if not packed or packed in _unpacked:
        return
    _unpacked.clear()
    for architecture in pickle.loads(packed):  # noqa: S301 - sent by the driver through Ray
        registry.take_over(architecture)
    _unpacked.append(packed)
