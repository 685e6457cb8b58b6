import pytest

from tune_mnist.models import registry


@pytest.fixture(autouse=True)
def registered_models_are_forgotten():
    yield
    for name in set(registry._registered) - set(registry.SHIPPED):
        del registry._registered[name]
