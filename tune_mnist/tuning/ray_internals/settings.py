"""Private environment variables, constants and arguments of Ray."""

import json
import os
from pathlib import Path
from typing import Any

from ray._private import ray_constants
from ray._private.runtime_env.constants import RAY_JOB_CONFIG_JSON_ENV_VAR
from ray._private.utils import resolve_object_store_memory
from ray._raylet import AuthenticationTokenLoader, Config  # type: ignore[attr-defined]

ENVIRONMENT = {
    "RAY_USAGE_STATS_ENABLED": "0",
    # Waiting threads of a trial must not spin, because other trials need the CPU cores.
    "OMP_WAIT_POLICY": "PASSIVE",
    "RAY_DEDUP_LOGS": "1",
    # The dashboard then shows the output of a single epoch.
    "RAY_ENABLE_RECORD_ACTOR_TASK_LOGGING": "1",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    "RAY_AIR_NEW_OUTPUT": "0",
    # Tune drops a trial without a callback if its worker is not reset in time. On a busy machine,
    # the thread of the previous trial may need long to end. No upstream issue has been filed.
    "TUNE_FUNCTION_THREAD_TIMEOUT_S": "60",
    # With a searcher, Tune allows only one pending trial (ray-project/ray#14835, #63770), so
    # workers would start one after another. Our searchers limit the number of trials themselves.
    "TUNE_MAX_PENDING_TRIALS_PG": "1000",
    # The default, -1, retries a task that runs out of memory forever (ray-project/ray#30013).
    "RAY_task_oom_retries": "2",
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
    # The last report of a trial may contain a reason instead of metrics.
    "TUNE_DISABLE_STRICT_METRIC_CHECKING": "1",
    "TUNE_WARN_EXCESSIVE_EXPERIMENT_CHECKPOINT_SYNC_THRESHOLD_S": "0",
}

"""Environment variables that Ray reads when it is imported or started."""

PRELOADED_MODULES = "RAY_preload_python_modules"
"""Environment variable that lists the modules which prestarted workers import while idle."""

CLUSTER_VARIABLE = ray_constants.ENABLE_RAY_CLUSTERS_ENV_VAR
"""Environment variable that restricts Ray to 127.0.0.1 if its value is "0"."""

HEAD_PROCESSES = ("gcs_server", "raylet")
"""Names of the head node's processes without which a search cannot continue."""

START_TIMEOUT = "timed out during startup"
"""Part of Ray's error if its processes on this machine are not ready within 30 seconds."""

MIN_OBJECT_STORE = 80_000_000
"""Minimum size of the object store in bytes."""


def is_cluster_enabled() -> bool:
    """Return whether a Ray started by this process accepts connections from other machines."""
    return bool(ray_constants.ENABLE_RAY_CLUSTER)


def set_cluster_enabled(enabled: bool) -> None:
    """Set whether a Ray started by this process accepts connections from other machines.

    If other machines may not connect, Ray listens only on 127.0.0.1. Ray documents an environment
    variable for this choice, but only for macOS and Windows (ray-project/ray#18730, #30770). Ray
    reads the variable when it is imported, before the options of the search are known.
    """
    ray_constants.ENABLE_RAY_CLUSTER = enabled


def reread_authentication() -> None:
    """Make Ray read the authentication settings from the environment again.

    Ray reads the settings only once per process. If ``ray.init`` is called again after they have
    changed, it fails with "Failed to start GCS" or reports a missing token. No upstream issue has
    been filed.
    """
    # The order matters, since a thread of Ray that is still ending must not look for a removed
    # token.
    Config.initialize("")
    AuthenticationTokenLoader.instance().reset_cache()


def init_arguments(folder: Path, memory: int | None) -> dict[str, Any]:
    """Return private keyword arguments of ``ray.init`` that set folder, memory and object store.

    The arguments work around two faults of Ray. It ignores memory limits of parent control groups
    (ray-project/ray#3223). It also raises an error if the given size of the object store exceeds
    both 10 GB and ``/dev/shm`` (ray-project/ray#14616), so that the size is computed by Ray's own
    function.

    Args:
        folder: Folder for Ray's sessions, sockets and logs.
        memory: Memory for Ray and its workers in bytes. If None, Ray detects it.
    """
    arguments: dict[str, Any] = {"_temp_dir": str(folder)}
    if memory is not None:
        store = max(MIN_OBJECT_STORE, resolve_object_store_memory(memory))
        arguments |= {"object_store_memory": store, "_memory": max(memory - store, 0)}
    return arguments


def job_ships_modules() -> bool:
    """Return whether the Ray job of this process ships Python modules.

    If it does, ``ray.init`` rejects ``py_modules``, because Ray does not merge the lists of job
    and driver (ray-project/ray#31123, #39208). No public function returns the settings of the job.
    """
    job = json.loads(os.environ.get(RAY_JOB_CONFIG_JSON_ENV_VAR, "{}"))
    return "py_modules" in (job.get("runtime_env") or {})
