"""Hyperparameter search for convolutional networks, over Ray Tune and Optuna.

The Python API is loaded on first use: importing this package imports neither PyTorch nor Ray.
``__init__.pyi`` maps each public name to its module.
"""

from typing import Any

import lazy_loader

from tune_mnist.collector import collector_suspended

# Not read from the package metadata: a Ray job ships the code without installing it.
__version__ = "0.1.0"

_load, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)


def __getattr__(name: str) -> Any:
    if name in __all__:
        from tune_mnist.process import set_up_process

        set_up_process()  # before PyTorch and Ray are imported
    with collector_suspended():
        return _load(name)
