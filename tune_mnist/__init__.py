"""Hyperparameter search for convolutional networks on MNIST, over Ray Tune and Optuna."""

from importlib.metadata import version

__version__ = version("tune-mnist")
