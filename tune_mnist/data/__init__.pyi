from .assembly import dataset_from_arrays
from .batches import Batches, prepare_batch, to_tensor
from .dataset import Dataset
from .form import DataForm
from .idx import find_idx, read_idx
from .loading import load_dataset
from .sources import ensure_files
from .split import DataSplit, default_fraction, split_dataset, train_val_indices
from .views import as_arrays, normalise

__all__ = [
    "Batches",
    "DataForm",
    "DataSplit",
    "Dataset",
    "as_arrays",
    "dataset_from_arrays",
    "default_fraction",
    "ensure_files",
    "find_idx",
    "load_dataset",
    "normalise",
    "prepare_batch",
    "read_idx",
    "split_dataset",
    "to_tensor",
    "train_val_indices",
]
