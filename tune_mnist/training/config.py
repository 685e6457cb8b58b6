"""Configuration of one training run and the declaration of all hyperparameters."""

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
from tune_mnist.errors import UserError, validation_error
from tune_mnist.models.keywords import MODEL_PREFIX, join_keys, split_keys
from tune_mnist.models.registry import check_registered, get_architecture, model_names
from tune_mnist.models.settings import DERIVED, FULL_SIZE, INITS, MAX_SIZE, MIN_SIZE
from tune_mnist.quoting import quoted
from tune_mnist.training.hyperparameters import Hyperparameter, undeclared
from tune_mnist.training.schedules import SCHEDULES
from tune_mnist.training.settings import AUGMENTATIONS, NO_AUGMENTATION, OPTIMIZERS
from tune_mnist.typed_options import as_typed

MAX_BATCH_SIZE = 65_536


class TrainConfig(BaseModel):
    """Hyperparameters of one training run.

    Each field is the single declaration of a hyperparameter. The keys of space files, the options
    of ``train``, the columns of tables and the labels of trials are derived from the fields, in
    their order of declaration.
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
            description="Keyword arguments of the network's constructor, model.<keyword> in space"
            " files.",
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
        Hyperparameter(whole_training=True, heading="schedule", label="schedule"),
        Field(
            description="Learning rate schedule: constant, cosine (decay to zero) or onecycle"
            " (warm-up, then decay to zero)."
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
        Field(ge=0, allow_inf_nan=False, description="L2 penalty, decoupled for adamw."),
    ] = 0.0
    label_smoothing: Annotated[
        float,
        Hyperparameter(heading="smoothing", label="smooth", format=".2f"),
        Field(ge=0, lt=1, description="Label smoothing: probability spread over all classes."),
    ] = 0.0
    augment: Annotated[
        str,
        Choices(AUGMENTATIONS),
        Hyperparameter(label=""),
        Field(description="Augmentation of the training images."),
    ] = NO_AUGMENTATION
    augment_strength: Annotated[
        float,
        Hyperparameter(heading="strength", label="strength", format=".2f"),
        Field(ge=0, le=4, description="Strength of the augmentation, 0 for none."),
    ] = 1.0
    augment_flip: Annotated[
        bool,
        Hyperparameter(heading="flip", label="flip"),
        Field(description="Mirror half of the training images; unsuitable for digits."),
    ] = False
    clip_norm: Annotated[
        float,
        Hyperparameter(heading="clip", label="clip", format=".2f"),
        Field(ge=0, allow_inf_nan=False, description="Maximum gradient norm; 0 for no clipping."),
    ] = 0.0
    ema: Annotated[
        float,
        Hyperparameter(mutable=False, format=".4f"),
        Field(ge=0, lt=1, description="Decay of the weight average (EMA); 0 disables it."),
    ] = 0.0
    init: Annotated[
        str,
        Choices(INITS),
        Hyperparameter(searchable=False, mutable=False),
        Field(
            description="Weight initialization: derived from the activation, or PyTorch's default."
        ),
    ] = DERIVED
    image_size: Annotated[
        int,
        Hyperparameter(searchable=False, heading="image size"),
        Field(ge=MIN_SIZE, le=MAX_SIZE, description="Side length of the input images in pixels."),
    ] = FULL_SIZE
    max_epochs: Annotated[
        int,
        Hyperparameter(searchable=False),
        Field(ge=1, description="Number of epochs."),
    ] = 10
    seed: Annotated[
        int,
        Hyperparameter(searchable=False),
        Field(
            ge=0, lt=2**32, description="Random seed of initial weights, batch order and dropout."
        ),
    ] = 0

    @model_validator(mode="before")
    @classmethod
    def _collect_options(cls, values: Any) -> Any:
        """Move ``model.<keyword>`` keys into ``model_options``."""
        if not isinstance(values, dict):
            return values
        others, options = split_keys(values)
        given = others.get("model_options", {})
        if not options or not isinstance(given, dict):
            return others
        for key in options.keys() & given.keys():
            if options[key] != given[key]:
                raise UserError(
                    f"{MODEL_PREFIX}{key} is {quoted(options[key])}, but model_options gives"
                    f" {quoted(given[key])}: omit one of them"
                )
        return {**others, "model_options": given | options}

    @field_validator("model_options")
    @classmethod
    def _are_keywords(cls, options: dict[str, Any], info: ValidationInfo) -> dict[str, Any]:
        if "model" not in info.data:  # the model itself is invalid
            return options
        return get_architecture(info.data["model"]).checked_options(options)

    def flat(self, *, only_set: bool = False) -> dict[str, Any]:
        """Return the configuration as a dictionary without nesting.

        Keyword arguments of the network have keys of the form ``model.<keyword>``.

        Args:
            only_set: Whether to omit fields that were not set explicitly.
        """
        values = self.model_dump(exclude={"model_options"}, exclude_unset=only_set)
        return values | join_keys(self.model_options)

    @classmethod
    def checked(cls, /, **values: Any) -> "TrainConfig":
        """Build a configuration from values, after validating them.

        Args:
            values: Hyperparameters, keyed by field name or ``model.<keyword>``.

        Raises:
            UserError: A key is unknown, the architecture is not registered, or a value has the
                wrong type or is out of range.
        """
        try:
            return cls(**values)
        except ValidationError as error:
            raise validation_error(error, cls, name=as_typed) from None


def _declared() -> dict[str, Hyperparameter]:
    """Return the metadata of all hyperparameters, completed from the fields of TrainConfig.

    Raises:
        TypeError: A field has no metadata, so that no option and no column would show it.
    """
    found: dict[str, Hyperparameter] = {}
    for name, field in TrainConfig.model_fields.items():
        if name == "model_options":
            continue
        annotated = [each for each in field.metadata if isinstance(each, Hyperparameter)]
        if not annotated:
            raise TypeError(f"TrainConfig.{name}: annotate the field with Hyperparameter(...)")
        found[name] = replace(
            annotated[0],
            name=name,
            numeric=field.annotation in (int, float),
            required=field.is_required(),
            help=field.description or "",
        )
    return found


HYPERPARAMETERS = _declared()
"""Metadata of all hyperparameters, keyed by name, in the order of the fields."""

SEARCHABLE = tuple(name for name, declared in HYPERPARAMETERS.items() if declared.searchable)
"""Names of the hyperparameters that a space file may search, besides the model."""

SEARCHABLE_HELP = {name: HYPERPARAMETERS[name].help for name in SEARCHABLE}
"""Description of each searchable hyperparameter, keyed by name."""

CONFIG_COLUMNS = ("model", *SEARCHABLE)
"""Configuration columns in tables of trials. Columns ``model.<keyword>`` follow them."""

REQUIRED = tuple(name for name in SEARCHABLE if HYPERPARAMETERS[name].required)
"""Names of the searchable hyperparameters without a default, which every space must define."""


def hyperparameter(key: str) -> Hyperparameter:
    """Return the metadata of a hyperparameter. Undeclared keys get generic metadata.

    Args:
        key: Name of a field of TrainConfig, or a flat key such as ``model.width``.
    """
    return HYPERPARAMETERS.get(key) or undeclared(key)


def ordered_keys(keys: Iterable[str]) -> tuple[str, ...]:
    """Return those keys that are hyperparameters, in display order with the model first.

    Args:
        keys: Flat keys of configurations, or columns of a table. Other keys are dropped.
    """
    given = dict.fromkeys(keys)
    declared = (name for name in CONFIG_COLUMNS if name in given)
    return (*declared, *(key for key in given if key.startswith(MODEL_PREFIX)))
