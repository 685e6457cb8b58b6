"""A Ray of this machine for the tests of a module: another module may want one of its own."""

from collections.abc import Iterator

import pytest

from tests.buckets import KEYS, s3_server
from tune_mnist.tuning.cluster.connection import connected


@pytest.fixture(scope="module")
def small_ray() -> Iterator[None]:
    with connected(None):
        yield


@pytest.fixture(scope="module")
def s3_options() -> Iterator[str]:
    """The options of a URI of a bucket on this machine, with the keys to it in the environment."""
    with pytest.MonkeyPatch.context() as patch, s3_server() as options:
        for key, value in KEYS.items():
            patch.setenv(key, value)
        yield options
