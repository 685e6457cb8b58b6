"""Labels of trials in messages, logs and plots."""

from typing import Any

from tune_mnist.training import hyperparameter, ordered_keys
from tune_mnist.tuning.trials.reports import NUMBER


def describe_config(config: dict[str, Any]) -> str:
    """Return a short description of a configuration, such as ``resnet adam lr=0.001 batch=64``.

    Args:
        config: Hyperparameters, keyed by name.
    """
    return " ".join(hyperparameter(key).labelled(config[key]) for key in ordered_keys(config))


def label(config: dict[str, Any]) -> str:
    """Return the label of a trial, such as ``#12 resnet adam lr=0.001 batch=64``.

    Args:
        config: Number and hyperparameters of the trial, keyed by name.
    """
    return f"#{config[NUMBER]} {describe_config(config)}"
