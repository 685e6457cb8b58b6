"""Shipping of the package tune_mnist to the nodes of a cluster."""

from pathlib import Path
from typing import Any

import tune_mnist
from tune_mnist.tuning.ray_internals.settings import job_ships_modules


def runtime_environment() -> dict[str, Any]:
    """Return a Ray runtime environment that sends the driver's tune_mnist package to workers.

    The environment is empty if the Ray job of this process already ships modules, because Ray does
    not merge two lists of modules.
    """
    if job_ships_modules():
        return {}
    return {"py_modules": [str(Path(tune_mnist.__file__).parent)]}
