"""A clock, and a local bucket, one per test module."""

import time
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.buckets import KEYS, s3_server


@dataclass
class Clock:
    """A clock that stands still.

    Attributes:
        seconds: Time that it shows.
    """

    seconds: float = 0.0


@pytest.fixture
def stopped_clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Clock of this process, which a test sets."""
    clock = Clock()
    monkeypatch.setattr(time, "monotonic", lambda: clock.seconds)
    return clock


@pytest.fixture(scope="module")
def s3_options() -> Iterator[str]:
    """Options of the URI of a local bucket; its credentials are in the environment."""
    with pytest.MonkeyPatch.context() as patch, s3_server() as options:
        for key, value in KEYS.items():
            patch.setenv(key, value)
        yield options
