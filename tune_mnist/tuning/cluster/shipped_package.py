"""The package tune_mnist, sent to the nodes of a cluster, whether or not they have one."""

import json
import os
from pathlib import Path
from typing import Any

from ray._private.runtime_env.constants import RAY_JOB_CONFIG_JSON_ENV_VAR

import tune_mnist


def runtime_environment() -> dict[str, Any]:
    """Return the runtime environment in which workers import the code that the driver runs.

    It goes beside what a Ray job ships, unless the job has modules of its own: Ray allows one
    list of them only.
    """
    job = json.loads(os.environ.get(RAY_JOB_CONFIG_JSON_ENV_VAR, "{}"))
    if "py_modules" in (job.get("runtime_env") or {}):
        return {}
    return {"py_modules": [str(Path(tune_mnist.__file__).parent)]}
