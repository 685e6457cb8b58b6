"""Values of hyperparameters that one of several compared searches does not search."""

from collections.abc import Sequence
from typing import Any

import pandas as pd

from tune_mnist.models import get_architecture, model_names
from tune_mnist.models.keywords import MODEL_PREFIX
from tune_mnist.training import HYPERPARAMETERS, TrainConfig, ordered_keys
from tune_mnist.training.settings import NO_AUGMENTATION
from tune_mnist.tuning.spaces.space import SearchSpace

_WITHOUT_EFFECT = {
    "momentum": ("optimizer", ("adam", "adamw")),
    "augment_strength": ("augment", (NO_AUGMENTATION,)),
}
"""Hyperparameters that certain values of another hyperparameter make ineffective."""


def with_unsearched(
    trials: pd.DataFrame, space: SearchSpace, others: Sequence[SearchSpace]
) -> pd.DataFrame:
    """Fill in the defaults of hyperparameters that only other searches have in their spaces.

    A value stays missing if the hyperparameter does not apply to the configuration: the network
    has no such keyword argument, the ``when`` conditions of the other spaces do not hold, or it
    has no effect with the optimizer or augmentation.

    Args:
        trials: Trials of a search, one row each, with a column for each of its hyperparameters.
        space: Space of the search.
        others: Spaces of the searches that the search is compared with.
    """
    searched = [name for other in others for name in other.parameters]
    keys = [key for key in ordered_keys(searched) if key not in space.parameters]
    rows = [_used(row, keys, others) for row in trials.to_dict("records")]
    used = {key: pd.Series([row.get(key) for row in rows], trials.index) for key in keys}
    return trials.assign(**used)


def _used(
    row: dict[Any, Any], keys: Sequence[str], others: Sequence[SearchSpace]
) -> dict[str, Any]:
    """Return the defaults that a trial uses and that apply to it."""
    config = {key: row[key] for key in ordered_keys(map(str, row)) if pd.notna(row[key])}
    if "model" not in config:
        return {}
    config |= {key: _default(key, config["model"]) for key in keys}
    return {
        key: config[key]
        for key in keys
        if _has_effect(key, config)
        and any(key in other.parameters and other.exists(key, config) for other in others)
    }


def _has_effect(key: str, config: dict[str, Any]) -> bool:
    if key not in _WITHOUT_EFFECT:
        return True
    other, values = _WITHOUT_EFFECT[key]
    return config.get(other, _default(other, config["model"])) not in values


def _default(key: str, model: str) -> Any:
    """Return the default of a hyperparameter, or None if the network does not have it."""
    if key in HYPERPARAMETERS:
        return TrainConfig.model_fields[key].default
    if model not in model_names():
        return None
    keyword = get_architecture(model).keywords.get(key.removeprefix(MODEL_PREFIX))
    return None if keyword is None or keyword.required else keyword.default
