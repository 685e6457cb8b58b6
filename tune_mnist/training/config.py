"""The configuration of one training run."""

from typing import Any

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
)

from tune_mnist.errors import unknown, validation_error
from tune_mnist.models import DERIVED, FULL_SIZE, INITS, MAX_SIZE, MIN_SIZE, MODELS
from tune_mnist.training.optimizers import OPTIMIZERS
from tune_mnist.training.schedules import SCHEDULES

MAX_BATCH_SIZE = 65_536
_KNOWN = {"model": MODELS, "init": INITS, "lr_schedule": SCHEDULES, "optimizer": OPTIMIZERS}


class TrainConfig(BaseModel):
    """Everything that decides how one network is trained, apart from the data and the hardware.

    Attributes:
        model: lenet, alexnet, resnet or vggnet.
        lr: learning rate.
        batch_size: images in a training batch.
        dropout: probability of dropping a unit.
        lr_schedule: constant, or cosine: down to zero over max_epochs.
        optimizer: sgd, adam, adamw or rmsprop.
        momentum: used by sgd and rmsprop.
        weight_decay: L2 penalty, decoupled with adamw.
        init: How weights are drawn: derived (from the activation) or torch (PyTorch's defaults).
        image_size: side of the input in pixels (LeNet always takes 32).
        max_epochs: how many epochs to train.
        seed: decides the initial weights, the order of the batches and the dropped units.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    model: str
    lr: float = Field(gt=0, allow_inf_nan=False)
    batch_size: int = Field(default=64, ge=1, le=MAX_BATCH_SIZE)
    dropout: float = Field(default=0.0, ge=0, lt=1)
    lr_schedule: str = "constant"
    optimizer: str = "adam"
    momentum: float = Field(default=0.0, ge=0, lt=1)
    weight_decay: float = Field(default=0.0, ge=0, allow_inf_nan=False)
    init: str = DERIVED
    image_size: int = Field(default=FULL_SIZE, ge=MIN_SIZE, le=MAX_SIZE)
    max_epochs: int = Field(default=10, ge=1)
    seed: int = Field(default=0, ge=0, lt=2**32)

    @field_validator(*_KNOWN)
    @classmethod
    def _is_known(cls, name: str, info: ValidationInfo) -> str:
        field = str(info.field_name)
        if name not in _KNOWN[field]:
            raise unknown(field, name, _KNOWN[field])
        return name

    @classmethod
    def checked(cls, /, **values: Any) -> "TrainConfig":
        """Build a configuration from untrusted values.

        Raises:
            UserError: an unknown key, or a value of the wrong type or out of its range.
        """
        try:
            return cls(**values)
        except ValidationError as error:
            raise validation_error(error, cls) from None
