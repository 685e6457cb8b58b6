"""Configuration of one training run: each hyperparameter is declared here, and only here."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from tune_mnist.declarations import Choices
from tune_mnist.errors import validation_error
from tune_mnist.models.keywords import MODEL_PREFIX, join_keys, split_keys
from tune_mnist.models.registry import check_registered, get_architecture, model_names
from tune_mnist.models.settings import DERIVED, FULL_SIZE, INITS, MAX_SIZE, MIN_SIZE
from tune_mnist.training.hyperparameters import Hyperparameter, undeclared
from tune_mnist.training.schedules import SCHEDULES
from tune_mnist.training.settings import AUGMENTATIONS, NO_AUGMENTATION, OPTIMIZERS

MAX_BATCH_SIZE = 65_536


class TrainConfig(BaseModel):
    """Everything that decides how one network is trained, apart from the data and the hardware.

    A field is the only declaration of a hyperparameter. Space files, the options of ``train``,
    the columns of all tables and the labels of trials derive from it, in the order of the fields.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    model: Annotated[
        str,
        Choices(model_names, open=True),
        AfterValidator(check_registered),
        Hyperparameter(searchable=False, mutable=False, label=""),
        Field(description="Architecture of the network."),
    ]
    model_options: Annotated[
        dict[str, bool | int | float | str],
        Field(
            validate_default=True,
            description="Keywords of the network's constructor; model.<keyword> in space files.",
        ),
    ] = {}
    optimizer: Annotated[
        str,
        Choices(OPTIMIZERS),
        Hyperparameter(mutable=False, label=""),
        Field(description="Optimizer."),
    ] = "adam"
    lr: Annotated[
        float,
        Hyperparameter(format=".2e"),
        Field(gt=0, allow_inf_nan=False, description="Learning rate."),
    ]
    lr_schedule: Annotated[
        str,
        Choices(SCHEDULES),
        Hyperparameter(heading="schedule", label="schedule"),
        Field(
            description="Learning rate over the epochs: constant, cosine to zero, or onecycle: up,"
            " then down to zero."
        ),
    ] = "constant"
    batch_size: Annotated[
        int,
        Hyperparameter(heading="batch", label="batch"),
        Field(ge=1, le=MAX_BATCH_SIZE, description="Images per training batch."),
    ] = 64
    dropout: Annotated[
        float,
        Hyperparameter(format=".2f"),
        Field(ge=0, lt=1, description="Dropout probability."),
    ] = 0.0
    momentum: Annotated[
        float,
        Hyperparameter(label="mom", format=".2f"),
        Field(ge=0, lt=1, description="Momentum of sgd and rmsprop."),
    ] = 0.0
    weight_decay: Annotated[
        float,
        Hyperparameter(heading="weight decay", label="wd", format=".1e"),
        Field(ge=0, allow_inf_nan=False, description="L2 penalty; decoupled with adamw."),
    ] = 0.0
    label_smoothing: Annotated[
        float,
        Hyperparameter(heading="smoothing", label="smooth", format=".2f"),
        Field(ge=0, lt=1, description="Share of each label that is spread over all classes."),
    ] = 0.0
    augment: Annotated[
        str,
        Choices(AUGMENTATIONS),
        Hyperparameter(label=""),
        Field(description="Random changes of the training images."),
    ] = NO_AUGMENTATION
    augment_strength: Annotated[
        float,
        Hyperparameter(heading="strength", label="strength", format=".2f"),
        Field(ge=0, le=4, description="Factor of the largest changes of --augment."),
    ] = 1.0
    augment_flip: Annotated[
        bool,
        Hyperparameter(heading="flip", label="flip"),
        Field(description="Mirror half of the training images; not for digits."),
    ] = False
    clip_norm: Annotated[
        float,
        Hyperparameter(heading="clip", label="clip", format=".2f"),
        Field(ge=0, allow_inf_nan=False, description="Largest norm of the gradient; 0: any."),
    ] = 0.0
    ema: Annotated[
        float,
        Hyperparameter(mutable=False, format=".4f"),
        Field(ge=0, lt=1, description="Decay of the average of the weights; 0: no average."),
    ] = 0.0
    init: Annotated[
        str,
        Choices(INITS),
        Hyperparameter(searchable=False, mutable=False),
        Field(
            description="Initial weights: derived from the activation, or the defaults of torch."
        ),
    ] = DERIVED
    image_size: Annotated[
        int,
        Hyperparameter(searchable=False, heading="image size"),
        Field(ge=MIN_SIZE, le=MAX_SIZE, description="Side of the input images in pixels."),
    ] = FULL_SIZE
    max_epochs: Annotated[
        int,
        Hyperparameter(searchable=False),
        Field(ge=1, description="Number of epochs."),
    ] = 10
    seed: Annotated[
        int,
        Hyperparameter(searchable=False),
        Field(ge=0, lt=2**32, description="Random seed of weights, batches and dropout."),
    ] = 0

    @model_validator(mode="before")
    @classmethod
    def _collect_options(cls, values: Any) -> Any:
        """Accept ``model.<keyword>`` keys beside the fields."""
        if not isinstance(values, dict):
            return values
        others, options = split_keys(values)
        return {**others, "model_options": options} if options else others

    @field_validator("model_options")
    @classmethod
    def _are_keywords(cls, options: dict[str, Any], info: ValidationInfo) -> dict[str, Any]:
        if "model" not in info.data:  # already refused
            return options
        return get_architecture(info.data["model"]).checked_options(options)

    def flat(self, *, only_set: bool = False) -> dict[str, Any]:
        """Return the values by key, the network's options as ``model.<keyword>``.

        Args:
            only_set: Whether fields that were left out stay left out.
        """
        values = self.model_dump(exclude={"model_options"}, exclude_unset=only_set)
        return values | join_keys(self.model_options)

    @classmethod
    def checked(cls, /, **values: Any) -> "TrainConfig":
        """Build a configuration from untrusted values.

        Raises:
            UserError: an unknown key, an architecture that is not registered, or a value of the
                wrong type or out of its range.
        """
        try:
            return cls(**values)
        except ValidationError as error:
            raise validation_error(error, cls) from None


def _declared() -> dict[str, Hyperparameter]:
    """Return the metadata of the fields of TrainConfig, with what their types say."""
    return {
        name: replace(
            metadata,
            name=name,
            numeric=field.annotation in (int, float),
            required=field.is_required(),
            help=field.description or "",
        )
        for name, field in TrainConfig.model_fields.items()
        for metadata in field.metadata
        if isinstance(metadata, Hyperparameter)
    }


HYPERPARAMETERS = _declared()
"""All declared hyperparameters by name, in the order of the fields."""

SEARCHABLE = tuple(name for name, declared in HYPERPARAMETERS.items() if declared.searchable)
"""Names of the hyperparameters that a space file may search, beside the model."""

CONFIG_COLUMNS = ("model", *SEARCHABLE)
"""Columns of a configuration in tables of trials, before those of the architecture's keywords."""

REQUIRED = tuple(name for name in SEARCHABLE if HYPERPARAMETERS[name].required)
"""Searchable hyperparameters without a default: every space has to name them."""


def hyperparameter(key: str) -> Hyperparameter:
    """Return the presentation of a hyperparameter; a generic one for a key that has none.

    Args:
        key: Name of a field of TrainConfig, or a flat key such as ``model.width``.
    """
    return HYPERPARAMETERS.get(key) or undeclared(key)


def ordered_keys(keys: Iterable[str]) -> tuple[str, ...]:
    """Return the keys that a search may have chosen, the model first, in the order to show them.

    Args:
        keys: Flat keys of configurations, or columns; those that are no hyperparameters are left
            out.
    """
    given = dict.fromkeys(keys)
    declared = (name for name in CONFIG_COLUMNS if name in given)
    return (*declared, *(key for key in given if key.startswith(MODEL_PREFIX)))
