"""Hyperparameter search for convolutional networks on MNIST, over Ray Tune and Optuna."""

# Said here, not asked of the installation: a Ray job ships the code without installing it.
__version__ = "0.1.0"
