"""Fixtures with a local Ray and a local bucket, one per test module."""

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
    """Options of the URI of a local bucket; its credentials are in the environment."""
    with pytest.MonkeyPatch.context() as patch, s3_server() as options:
        for key, value in KEYS.items():
            patch.setenv(key, value)
        yield options
