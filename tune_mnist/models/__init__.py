"""The four architectures and the factory that builds them by name."""

from tune_mnist.models.factory import (
    ARCHITECTURES,
    DERIVED,
    FULL_SIZE,
    INITS,
    MAX_CLASSES,
    MAX_SIZE,
    MIN_SIZE,
    MODELS,
    Architecture,
    count_parameters,
    create_model,
    get_architecture,
    outline,
)

__all__ = [
    "ARCHITECTURES",
    "DERIVED",
    "FULL_SIZE",
    "INITS",
    "MAX_CLASSES",
    "MAX_SIZE",
    "MIN_SIZE",
    "MODELS",
    "Architecture",
    "count_parameters",
    "create_model",
    "get_architecture",
    "outline",
]
