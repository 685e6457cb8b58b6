"""Early start of Ray, before a command imports PyTorch and checks the inputs of a search."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from tune_mnist.tuning.cluster.connection import start_early, starts_here
from tune_mnist.tuning.options.machine_fields import MachineFields


def start_ray_early(given: Mapping[str, Any]) -> None:
    """Start Ray in the background if a new search with these options runs on this machine.

    Nothing happens if an option is invalid: the search reports it later.

    Args:
        given: Values of the command-line options, keyed by name. Options that the user has not
            given are None.

    Raises:
        UserError: Ray cannot be started on this machine with the current settings.
    """
    values = {name: given[name] for name in MachineFields.model_fields}
    try:
        options = MachineFields(
            **{key: value for key, value in values.items() if value is not None}
        )
    except ValidationError:
        return
    if given["resume"] is None and starts_here(options.address):
        start_early(all_cores=options.fills_machine(gpu=_has_gpu()))


def _has_gpu() -> bool:
    """Return whether this machine seems to have a GPU for PyTorch, which is not imported yet."""
    devices = Path("/dev")
    return any(devices.glob("nvidia[0-9]*")) or (devices / "dxg").exists()  # dxg: Windows' Linux
