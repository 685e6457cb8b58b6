"""Data that tests share."""

import pytest

from tune_mnist.data import Dataset, DataSplit, load_dataset, split_dataset


@pytest.fixture(scope="session")
def digits() -> Dataset:
    return load_dataset("digits")


@pytest.fixture(scope="session")
def digits_split(digits: Dataset) -> DataSplit:
    return split_dataset(digits)
