"""Early start of Ray, before a command imports PyTorch and checks the inputs of a search."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tune_mnist.stop_signals import stop_signals
from tune_mnist.tuning.cluster.connection import start_early, starts_here
from tune_mnist.tuning.options.machine_fields import MachineFields


def start_ray_early(given: Mapping[str, Any]) -> None:
    """Start Ray in the background if a new search with these options runs on this machine.

    Nothing happens in a process that is not that of a command, or with networks of the user's own,
    whose modules are imported first: they may set environment variables that workers need.

    Args:
        given: Values of the command-line options, keyed by name. Options that the user has not
            given are None.

    Raises:
        UserError: Ray cannot be started on this machine with the current settings.
    """
    if not stop_signals.installed or given["resume"] is not None or given["models"]:
        return
    values = {name: given[name] for name in MachineFields.model_fields}
    options = MachineFields(**{key: value for key, value in values.items() if value is not None})
    if starts_here(options.address):
        start_early(
            all_cores=options.fills_machine(gpu=_has_gpu()), with_dashboard=options.dashboard
        )


def _has_gpu() -> bool:
    """Return whether this machine seems to have a GPU for PyTorch, which is not imported yet."""
    if os.environ.get("CUDA_VISIBLE_DEVICES", "all").strip() in ("", "-1"):
        return False
    devices = Path("/dev")
    return any(devices.glob("nvidia[0-9]*")) or (devices / "dxg").exists()  # dxg: Windows' Linux
