"""What a trial is called wherever people look at it."""

from typing import Any

from tune_mnist.tuning.trials.reports import NUMBER


def describe(config: dict[str, Any]) -> str:
    """Return a configuration in a few words, such as ``resnet adam lr=0.001 batch=64``."""
    words = [config["model"], config.get("optimizer", ""), f"lr={config['lr']:.2g}"]
    words += [config["lr_schedule"]] if "lr_schedule" in config else []
    words += [f"batch={config['batch_size']}"] if "batch_size" in config else []
    words += [
        f"{short}={config[key]:.2g}"
        for key, short in (("dropout", "dropout"), ("momentum", "mom"), ("weight_decay", "wd"))
        if key in config
    ]
    return " ".join(word for word in words if word)


def label(config: dict[str, Any]) -> str:
    """Return the name of a trial, such as ``#12 resnet adam lr=0.001 batch=64``.

    Args:
        config: the trial's number and hyperparameters.
    """
    return f"#{config[NUMBER]} {describe(config)}"
