"""A Ray of this machine for the tests of a module: another module may want one of its own."""

from collections.abc import Iterator

import pytest

from tune_mnist.tuning.cluster import connect, disconnect


@pytest.fixture(scope="module")
def small_ray() -> Iterator[None]:
    connect(None)
    yield
    disconnect()
