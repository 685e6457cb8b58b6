"""Checksum of a data set, one of the settings that all runs of a comparison share."""

import zlib
from pathlib import Path

from tune_mnist.data import load_dataset


def data_checksum(dataset: str, data_dir: Path | None) -> str:
    """Return a checksum of all images and labels, which does not depend on where they are.

    Args:
        dataset: Name of the data set.
        data_dir: Folder of its files, or None to load them from the cache.
    """
    data = load_dataset(dataset, data_dir)
    found = 0
    for part in (data.train_images, data.train_labels, data.test_images, data.test_labels):
        found = zlib.crc32(part.tobytes(), found)
    return f"{found:08x}"
