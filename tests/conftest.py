"""Data that tests share."""

import pytest
import torch

from tune_mnist.data import Dataset, DataSplit, load_dataset, split_dataset

# The networks here are too small to gain from a second thread, and two threads that wait for each
# other on a busy machine are many times slower than one.
torch.set_num_threads(1)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--slow", action="store_true", help="run what takes many minutes, too")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not config.getoption("--slow"):
        slow = [item for item in items if item.get_closest_marker("slow")]
        config.hook.pytest_deselected(items=slow)
        items[:] = [item for item in items if item not in slow]


@pytest.fixture(scope="session")
def digits() -> Dataset:
    return load_dataset("digits")


@pytest.fixture(scope="session")
def digits_split(digits: Dataset) -> DataSplit:
    return split_dataset(digits)
