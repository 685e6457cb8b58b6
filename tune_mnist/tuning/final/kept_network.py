"""Kept weights of trials, loaded by the driver and evaluated on the workers."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TypeVar

import ray
from ray.exceptions import RayError
from torch import Tensor, nn

from tune_mnist.errors import UserError, last_line
from tune_mnist.models import MAX_CLASSES, create_model, outline
from tune_mnist.training import (
    MODEL_FILE,
    CheckpointError,
    Compute,
    TrainConfig,
    check_weights,
    count_bytes,
    load_tensors,
)
from tune_mnist.tuning.storage.kept_models import BestConfig
from tune_mnist.tuning.trials.trainable import TrialSettings

Key = TypeVar("Key")
Result = TypeVar("Result")


@dataclass(frozen=True)
class KeptNetwork:
    """Weights of a trial's best epoch and their configuration, to be sent to a worker.

    The driver reads the weights, because workers may not have access to the results folder.

    Attributes:
        config: Configuration of the trial. In an interrupted search, its image size may be that of
            a stage with smaller images.
        path: File of the weights, for error messages.
        weights: Weights, keyed by parameter name. They have not been checked against the network
            yet.
    """

    config: TrainConfig
    path: Path
    weights: dict[str, Tensor]

    def loaded(self, settings: TrialSettings) -> tuple[nn.Module, Compute]:
        """Create the network on this worker's device, and return it with device and number format.

        Raises:
            CheckpointError: The weights do not fit the configuration, or are not finite.
        """
        compute = settings.compute()
        network = create_model(
            self.config.model,
            len(settings.data.class_names),
            image_size=self.config.image_size,
            in_channels=settings.data.channels,
            options=self.config.model_options,
        )
        check_weights(self.path, self.weights, network)
        network.load_state_dict(self.weights)
        return network.to(compute.device).to(memory_format=compute.memory_format), compute


def read_kept_network(folder: Path, config: BestConfig, channels: int) -> KeptNetwork:
    """Load the weights of a kept model.

    Args:
        folder: Folder of the model.
        config: Content of the model's ``config.json``.
        channels: Number of image channels, 1 or 3.

    Raises:
        CheckpointError: The file is damaged.
    """
    path = folder / MODEL_FILE
    largest = outline(config.model, MAX_CLASSES, channels, config.model_options)
    return KeptNetwork(config, path, load_tensors(path, count_bytes(largest)))


def evaluate_on_workers(
    networks: Mapping[Key, Callable[[], KeptNetwork]],
    start: Callable[[KeptNetwork], "ray.ObjectRef[Result]"],
    concurrent: int,
    leave_out: Callable[[Key, str], None],
) -> dict[Key, Result]:
    """Evaluate networks on the workers, leaving out each that cannot be evaluated.

    Args:
        networks: Functions that load the networks, keyed by any names.
        start: Function that starts the Ray task that evaluates a network.
        concurrent: Number of networks evaluated at the same time, so that no more weights are in
            memory.
        leave_out: Function that is called with the name of a network that is left out, and with
            the reason as a one-line message: its files are damaged, or its task failed.

    Returns:
        Results of the tasks, keyed by name.
    """
    found: dict[Key, Result] = {}
    waiting = iter(networks.items())
    while some := dict(islice(waiting, concurrent)):
        found |= _evaluate_at_once(some, start, leave_out)
    return found


def _evaluate_at_once(
    networks: Mapping[Key, Callable[[], KeptNetwork]],
    start: Callable[[KeptNetwork], "ray.ObjectRef[Result]"],
    leave_out: Callable[[Key, str], None],
) -> dict[Key, Result]:
    found: dict[Key, Result] = {}
    running: dict[Key, ray.ObjectRef[Result]] = {}
    try:
        for key, load in networks.items():
            try:
                network = load()
            except (CheckpointError, UserError) as error:
                leave_out(key, str(error))
            else:
                running[key] = start(network)
        for key in list(running):
            try:
                found[key] = ray.get(running[key])
            except RayError as error:
                leave_out(key, last_line(error))
            del running[key]
    finally:
        for reference in running.values():
            ray.cancel(reference, force=True)
    return found
