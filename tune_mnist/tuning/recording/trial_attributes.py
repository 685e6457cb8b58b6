"""Schema of the user attributes that a search stores with its trials in the study."""

from typing import Annotated, Any

from pydantic import Field, PlainValidator

from tune_mnist.stored_json import StrictModel
from tune_mnist.stored_values import MAX_WHOLE, Accuracy, Finite, Scalar, Text, Whole

EXPLOITS = "takeovers"
"""User attribute with a trial's exploits; journals of earlier versions fix its name."""


PORTFOLIO = "portfolio"
"""User attribute that marks a trial of the portfolio."""

REDUCED = "warm_start_reduced"
"""User attribute that marks an imported trial which lost a part of its configuration."""


def _loss(value: Any) -> Any:
    whole = isinstance(value, int) and not isinstance(value, bool) and abs(value) <= MAX_WHOLE
    if whole or isinstance(value, float):
        return value
    raise ValueError("a number, NaN or infinite")


Loss = Annotated[float, PlainValidator(_loss)]


EpochText = Annotated[str, Field(pattern="^[1-9][0-9]{0,8}$")]


class LastEpoch(StrictModel):
    """Metrics of a trial's last epoch.

    Attributes:
        train_loss: Mean loss over the training images; may be NaN or infinite.
        train_accuracy: Fraction of the training images that were classified correctly.
        val_loss: Mean loss over the validation images; may be NaN or infinite.
        images_per_second: Training speed in images per second.
        parameters: Number of trainable parameters.
        epoch_seconds: Wall time in seconds, including validation, or 0 in journals of earlier
            versions.
        stage: Number of the stage, starting at 1, or 0 in a search without stages.
        image_size: Side length of the images in pixels, or 0 in a search without stages.
        fraction: Fraction of the training split that was used, or 0 in a search without stages.
    """

    train_loss: Loss
    train_accuracy: Accuracy
    val_loss: Loss
    images_per_second: Annotated[float, Field(gt=0, allow_inf_nan=False)]
    parameters: Annotated[Whole, Field(ge=1)]
    epoch_seconds: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.0
    stage: Whole = 0
    image_size: Whole = 0
    fraction: Finite = 0.0


class StoredProgress(StrictModel):
    """Progress of a trial with at least one epoch, as stored in the study.

    Attributes:
        epochs: Number of trained epochs.
        best_epoch: Epoch with the best validation accuracy.
        val_accuracy: Best validation accuracy, from 0 to 1.
        stage: Stage of the best epoch, starting at 1, or 0 in a search without stages.
        last: Metrics of the last epoch.
        val_losses: Validation loss, keyed by epoch. Empty in journals of earlier versions.
        train_losses: Training loss, keyed by epoch. Only in journals of earlier versions.
        train_seconds: Sum of the epochs' wall time in seconds.
        node: Address of the machine that trained the last epoch.
    """

    epochs: Annotated[Whole, Field(ge=1)]
    best_epoch: Annotated[Whole, Field(ge=1)]
    val_accuracy: Accuracy
    stage: Whole = 0
    last: LastEpoch
    val_losses: dict[EpochText, Loss] = Field(default_factory=dict)
    train_losses: dict[EpochText, Loss] = Field(default_factory=dict)
    train_seconds: Annotated[float, Field(ge=0, allow_inf_nan=False)]
    node: Text = ""


class ExploitNote(StrictModel):
    """Exploit of population based training, as stored in the study.

    Attributes:
        epoch: Epoch after which the trial continued with the weights of another trial.
        donor: Number of the trial that provided the weights.
        params: Hyperparameters of the trial after the exploit.
    """

    epoch: Annotated[Whole, Field(ge=1)]
    donor: Whole
    params: dict[str, Scalar]


class TrialAttributes(StrictModel, extra="allow"):
    """User attributes of a trial. Those of other programs, such as notes, are ignored."""

    trial_id: Text = ""
    progress: StoredProgress | None = None
    takeovers: list[ExploitNote] = Field(default_factory=list)
    reason: Text = ""
    diverged: bool = False
    epochs: Whole = 0
    seconds: Finite = 0.0
    node: Text = ""
    warm_start: Text = ""
    warm_start_reduced: bool = False
    portfolio: bool = False
