"""The package tune_mnist, sent to the nodes of a cluster, whether or not they have one."""

from pathlib import Path
from typing import Any

import tune_mnist
from tune_mnist.tuning.ray_internals.settings import job_ships_modules


def runtime_environment() -> dict[str, Any]:
    """Return the runtime environment in which workers import the code that the driver runs.

    It goes beside what a Ray job ships, unless the job has modules of its own: Ray allows one
    list of them only.
    """
    if job_ships_modules():
        return {}
    return {"py_modules": [str(Path(tune_mnist.__file__).parent)]}
