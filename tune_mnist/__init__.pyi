from .api.results import BestTrial, SearchResults, load_results
from .api.search import run_search
from .api.training import TrainingResult, run_training
from .data import Dataset, dataset_from_arrays
from .errors import UserError
from .models import register_model

__all__ = [
    "BestTrial",
    "Dataset",
    "SearchResults",
    "TrainingResult",
    "UserError",
    "dataset_from_arrays",
    "load_results",
    "register_model",
    "run_search",
    "run_training",
]

__version__: str
