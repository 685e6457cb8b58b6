"""Serialisation of user-defined networks for workers that cannot import the user's modules."""

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
"""Networks that this process registered last. A worker may serve several searches in turn."""


def pack_networks(models: Iterable[str]) -> bytes:
    """Pickle the user-defined architectures of a search together with their classes.

    The result is sent to the workers as an argument of their tasks. A runtime environment is not
    used, because Ray prestarts processes only without one, and because a job on a cluster may have
    set its own.

    Args:
        models: Names of all architectures of the search.

    Returns:
        Pickled architectures, or an empty string if all networks are shipped with the package.

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
            f"network {names}: the code cannot be pickled to send it to the workers:"
            f" {last_line(error)}"
        ) from None
    return packed


@contextmanager
def _pickled_by_value(packages: set[str]) -> Iterator[None]:
    """Context manager that pickles packages by value, since other nodes may lack the modules."""
    new = packages - cloudpickle.list_registry_pickle_by_value()
    for package in new:
        cloudpickle.register_pickle_by_value(sys.modules[package])
    try:
        yield
    finally:  # the calling program may pickle objects of these packages, too
        for package in new:
            cloudpickle.unregister_pickle_by_value(sys.modules[package])


def unpack_networks(packed: bytes) -> None:
    """Register user-defined networks on a worker.

    Args:
        packed: Networks, as pickled by :func:`pack_networks` on the driver.
    """
    if not packed or packed in _unpacked:
        return
    _unpacked.clear()
    for architecture in pickle.loads(packed):  # noqa: S301 - sent by the driver through Ray
        registry.take_over(architecture)
    _unpacked.append(packed)
