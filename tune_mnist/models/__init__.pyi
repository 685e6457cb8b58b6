from .factory import count_parameters, create_model, outline, unfilled
from .registry import get_architecture, model_names, register_model
from .settings import DERIVED, INITS, MAX_CLASSES, MAX_SIZE, MIN_SIZE

__all__ = [
    "DERIVED",
    "INITS",
    "MAX_CLASSES",
    "MAX_SIZE",
    "MIN_SIZE",
    "count_parameters",
    "create_model",
    "get_architecture",
    "model_names",
    "outline",
    "register_model",
    "unfilled",
]
