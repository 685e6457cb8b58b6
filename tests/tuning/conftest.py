"""A Ray of this machine, shared by the tests that drive a real Tuner."""

from collections.abc import Iterator

import pytest

from tune_mnist.tuning.cluster import connect, disconnect


@pytest.fixture(scope="package")
def small_ray() -> Iterator[None]:
    connect(None)
    yield
    disconnect()
