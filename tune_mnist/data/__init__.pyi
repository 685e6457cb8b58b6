from .assembly import dataset_from_arrays
from .batches import Batches, prepare, to_tensor
from .dataset import Dataset
from .form import DataForm
from .idx import find_idx, parse_idx, read_idx
from .loading import load_dataset
from .names import DATASETS
from .sources import obtain
from .split import DataSplit, default_fraction, joined_part, split_dataset
from .views import as_arrays, normalise

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
