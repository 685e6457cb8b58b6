from .factory import count_parameters, create_model, outline, unfilled
from .registry import Architecture, get_architecture, model_names, register_model
from .settings import DERIVED, FULL_SIZE, INITS, MAX_CLASSES, MAX_SIZE, MIN_SIZE

__all__ = [
    "DERIVED",
    "FULL_SIZE",
    "INITS",
    "MAX_CLASSES",
    "MAX_SIZE",
    "MIN_SIZE",
    "Architecture",
    "count_parameters",
    "create_model",
    "get_architecture",
    "model_names",
    "outline",
    "register_model",
    "unfilled",
]
