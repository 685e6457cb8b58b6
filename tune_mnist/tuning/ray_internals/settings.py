"""Environment variables, constants and arguments of Ray that are not public."""

import json
import os
from pathlib import Path
from typing import Any

from ray._private import ray_constants
from ray._private.runtime_env.constants import RAY_JOB_CONFIG_JSON_ENV_VAR
from ray._private.utils import resolve_object_store_memory
from ray._raylet import AuthenticationTokenLoader, Config  # type: ignore[attr-defined]

# Read by Ray when it is imported or started.
ENVIRONMENT = {
    "RAY_USAGE_STATS_ENABLED": "0",
    # Threads of a trial must not spin while they wait for each other: other trials need the cores.
    "OMP_WAIT_POLICY": "PASSIVE",
    "RAY_DEDUP_LOGS": "1",
    # The dashboard shows the output of one epoch, not only that of its whole worker.
    "RAY_ENABLE_RECORD_ACTOR_TASK_LOGGING": "1",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    "RAY_AIR_NEW_OUTPUT": "0",
    # A worker that is not ready for its next trial in time is given up without a callback, and on
    # a busy machine the thread of a stopped trial takes long to end. Not reported upstream.
    "TUNE_FUNCTION_THREAD_TIMEOUT_S": "60",
    # Tune allows one pending trial beside a searcher (ray-project/ray#14835, #63770), so workers
    # would start one after the other. The searcher limits the trials here.
    "TUNE_MAX_PENDING_TRIALS_PG": "1000",
    # The default, -1, retries a task that exceeds the memory without end (ray-project/ray#30013).
    "RAY_task_oom_retries": "2",
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
    # The last report of a trial may carry a reason instead of metrics.
    "TUNE_DISABLE_STRICT_METRIC_CHECKING": "1",
    "TUNE_WARN_EXCESSIVE_EXPERIMENT_CHECKPOINT_SYNC_THRESHOLD_S": "0",
}

PRELOADED_MODULES = "RAY_preload_python_modules"
"""Environment variable: modules that Ray's prestarted workers import while they are idle."""

CLUSTER_VARIABLE = ray_constants.ENABLE_RAY_CLUSTERS_ENV_VAR
"""Environment variable: "0" makes a Ray that is started listen on 127.0.0.1 only."""

HEAD_PROCESSES = ("gcs_server", "raylet")
"""Names of the processes without which a search cannot continue."""

MIN_OBJECT_STORE = 80_000_000


def is_cluster_enabled() -> bool:
    """Return whether a Ray started by this process would listen on the network."""
    return bool(ray_constants.ENABLE_RAY_CLUSTER)


def set_cluster_enabled(enabled: bool) -> None:
    """Let a Ray started by this process listen on the network, or on 127.0.0.1 only.

    Ray offers the choice on macOS and Windows alone (ray-project/ray#18730, #30770), by an
    environment variable that it reads when it is imported: too late for this process.

    Args:
        enabled: Whether other machines may connect.
    """
    ray_constants.ENABLE_RAY_CLUSTER = enabled


def reread_authentication() -> None:
    """Let Ray read the settings of authentication from the environment again.

    Ray reads them once a process. A second ``ray.init`` under other settings fails then, with
    "Failed to start GCS" or a missing token. Not reported upstream.
    """
    # In this order: a thread of Ray that still ends would otherwise look for a token that is gone.
    Config.initialize("")
    AuthenticationTokenLoader.instance().reset_cache()


def init_arguments(folder: Path, memory: int | None) -> dict[str, Any]:
    """Return the private arguments of ``ray.init``.

    Ray ignores the memory limit of a control group above its own (ray-project/ray#3223), and
    raises an error for an object store of the caller's size that exceeds both 10 GB and
    ``/dev/shm`` (ray-project/ray#14616), so the size comes from Ray's own function.

    Args:
        folder: Folder for Ray's files: sessions, sockets, logs.
        memory: Bytes that Ray and its workers may use; None: all that Ray detects.
    """
    arguments: dict[str, Any] = {"_temp_dir": str(folder)}
    if memory is not None:
        store = max(MIN_OBJECT_STORE, resolve_object_store_memory(memory))
        arguments |= {"object_store_memory": store, "_memory": max(memory - store, 0)}
    return arguments


def job_ships_modules() -> bool:
    """Return whether the Ray job that this process belongs to ships Python modules.

    ``ray.init`` refuses ``py_modules`` then: the lists of job and driver are not merged
    (ray-project/ray#31123, #39208), and no public function returns the job's settings.
    """
    job = json.loads(os.environ.get(RAY_JOB_CONFIG_JSON_ENV_VAR, "{}"))
    return "py_modules" in (job.get("runtime_env") or {})
