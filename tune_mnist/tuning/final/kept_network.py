"""Kept weights of a trial, loaded by the driver and evaluated on a worker."""

from dataclasses import dataclass
from pathlib import Path

from torch import Tensor, nn

from tune_mnist.models import MAX_CLASSES, create_model, outline
from tune_mnist.training import (
    MODEL_FILE,
    Compute,
    TrainConfig,
    check_weights,
    count_bytes,
    load_tensors,
)
from tune_mnist.tuning.storage.kept_models import BestConfig
from tune_mnist.tuning.trials.trainable import TrialSettings


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

        Args:
            settings: Settings shared by all trials.

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
