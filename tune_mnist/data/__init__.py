"""The data pipeline: where the images come from, how they are split, and how they are batched."""

from tune_mnist.data.assembly import dataset_from_arrays
from tune_mnist.data.batches import Batches, prepare, to_tensor
from tune_mnist.data.dataset import Dataset
from tune_mnist.data.form import DataForm
from tune_mnist.data.idx import find_idx, parse_idx, read_idx
from tune_mnist.data.loading import load_dataset
from tune_mnist.data.names import DATASETS
from tune_mnist.data.sources import obtain
from tune_mnist.data.split import DataSplit, default_fraction, joined_part, split_dataset
from tune_mnist.data.views import as_arrays, normalise

__all__ = [
    "DATASETS",
    "Batches",
    "DataForm",
    "DataSplit",
    "Dataset",
    "as_arrays",
    "dataset_from_arrays",
    "default_fraction",
    "find_idx",
    "joined_part",
    "load_dataset",
    "normalise",
    "obtain",
    "parse_idx",
    "prepare",
    "read_idx",
    "split_dataset",
    "to_tensor",
]
