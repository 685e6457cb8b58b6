from collections.abc import Iterator

import pytest

from tests.networks import forget_networks


@pytest.fixture(autouse=True)
def networks_of_a_test_are_forgotten() -> Iterator[None]:
    yield
    forget_networks()
