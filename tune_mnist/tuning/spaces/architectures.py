"""Checks that the parameters of a search space fit its architectures."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tune_mnist.errors import UserError
from tune_mnist.models.contract import check_network
from tune_mnist.models.keywords import MODEL_PREFIX
from tune_mnist.models.registry import SHIPPED, Architecture, get_architecture
from tune_mnist.training import TrainConfig
from tune_mnist.tuning.spaces.parameters import CategoricalParameter, FloatParameter, IntParameter

MODEL = "model"
DROPOUT = "dropout"
MAX_TRIED = 1_000
"""Maximum length of an integer range to check value by value.

Of a longer range, only the lowest and the highest value are checked.
"""

Parameters = Mapping[str, Any]


def models_of(name: str, parameters: Parameters, models: Sequence[str]) -> tuple[str, ...]:
    """Return the architectures for which a parameter can exist.

    Args:
        name: Name of the parameter.
        parameters: All parameters of the space, keyed by name.
        models: All architectures of the space.

    Returns:
        Architectures that satisfy the parameter's ``when`` condition and the conditions of the
        parameters to which it refers. If there is no condition, all architectures.
    """
    possible = tuple(models)
    for other, values in parameters[name].when.items():
        wanted = values if other == MODEL else models_of(other, parameters, models)
        possible = tuple(model for model in possible if model in wanted)
    return possible


def check_trainable(parameters: Parameters, models: Sequence[str]) -> None:
    """Check that every architecture of a space can be trained with the values of its parameters.

    Args:
        parameters: All parameters of the space, keyed by name. A parameter comes after those that
            its ``when`` condition refers to.
        models: All architectures of the space.

    Raises:
        UserError: A value is invalid, an architecture does not accept a keyword, or a required
            keyword is missing.
    """
    for name in parameters:
        _check_keyword(name, parameters, models)
    for model in models:
        architecture = get_architecture(model)
        _check_required(architecture, parameters, models)
        names = [
            name
            for name in parameters
            if name != MODEL and model in models_of(name, parameters, models)
        ]
        for name in names:
            if name.startswith(MODEL_PREFIX):
                _check_option(architecture, name, parameters[name])
        base = {MODEL: model, "lr": 1.0} | _first_values(architecture, parameters, models)
        for name in names:
            for value in () if name in base and name != "lr" else _ends(parameters[name]):
                try:
                    TrainConfig.checked(**(base | {name: value}))
                except UserError as error:
                    raise UserError(f"parameters.{name}: {error}") from None


def options_to_try(
    parameters: Parameters, models: Sequence[str], model: str
) -> list[dict[str, Any]]:
    """Return sets of constructor keywords with which to test an architecture.

    Together, the sets cover every choice of the categorical keywords and both bounds of the
    numeric ones.

    Args:
        parameters: All parameters of the space, keyed by name.
        models: All architectures of the space.
        model: Name of the architecture.

    Returns:
        Keyword values, keyed by keyword. The first set has the lowest value of each keyword.
    """
    base = _first_values(get_architecture(model), parameters, models)
    ends = {name: _ends(parameters[name]) for name in base}
    highest = {name: values[-1] for name, values in ends.items()}
    tried = [base, highest, *(base | {name: end} for name in base for end in ends[name])]
    unique: list[dict[str, Any]] = []
    for values in tried:
        options = _existing(values, parameters)
        if options not in unique:
            unique.append(options)
    return unique


def typical_options(parameters: Parameters, models: Sequence[str], model: str) -> dict[str, Any]:
    """Return constructor keywords for a network of typical size, for a speed measurement.

    Args:
        parameters: All parameters of the space, keyed by name.
        models: All architectures of the space.
        model: Name of the architecture.

    Returns:
        The middle value of each searched keyword, keyed by keyword.
    """
    names = _first_values(get_architecture(model), parameters, models)
    return _existing({name: _middle(parameters[name]) for name in names}, parameters)


def check_networks(
    parameters: Parameters,
    models: Sequence[str],
    num_classes: int,
    in_channels: int,
    image_sizes: Iterable[int],
) -> None:
    """Run one batch through each user-defined network, to find faults before the search starts.

    Each network is built once with every set of keywords from `options_to_try`.

    Args:
        parameters: All parameters of the space, keyed by name.
        models: All architectures of the space.
        num_classes: Number of classes in the data set.
        in_channels: Number of image channels, 1 or 3.
        image_sizes: Side lengths in pixels of the images that trials are trained on.

    Raises:
        UserError: A network cannot be built or run, or does not return logits.
    """
    for model in models:
        if model in SHIPPED:
            continue
        tried = options_to_try(parameters, models, model)
        for size in sorted(set(image_sizes)):
            for number, options in enumerate(tried):
                first = number == 0
                check_network(model, num_classes, in_channels, size, options, values=first)


def _check_keyword(name: str, parameters: Parameters, models: Sequence[str]) -> None:
    """Check that a parameter exists only for architectures that accept it."""
    if name != DROPOUT and not name.startswith(MODEL_PREFIX):
        return
    keyword = name.removeprefix(MODEL_PREFIX)
    possible = models_of(name, parameters, models)
    without = [model for model in possible if not _takes(get_architecture(model), keyword)]
    having = [model for model in possible if model not in without]
    if without and having:
        raise UserError(
            f"parameters.{name} is not accepted by {' and '.join(without)}; add"
            f" when: {{model: [{', '.join(having)}]}}"
        )
    if without and keyword == DROPOUT:
        raise UserError(f"parameters.{name} is not accepted by {' and '.join(without)}; remove it")


def _check_option(architecture: Architecture, name: str, parameter: Any) -> None:
    """Check all values of a parameter against the type annotation of the keyword."""
    for value in _tried(parameter):
        try:
            architecture.checked_option(name.removeprefix(MODEL_PREFIX), value)
        except UserError as error:
            raise UserError(f"parameters.{error}") from None


def _takes(architecture: Architecture, keyword: str) -> bool:
    if keyword == DROPOUT:
        return architecture.takes_dropout
    return keyword in architecture.keywords


def _check_required(
    architecture: Architecture, parameters: Parameters, models: Sequence[str]
) -> None:
    for keyword in architecture.keywords.values():
        if not keyword.required:
            continue
        key, name = keyword.key, architecture.name
        if key not in parameters or name not in models_of(key, parameters, models):
            raise UserError(
                f"parameters: '{key}' is missing, but the constructor of {name} requires it"
            )
        if set(parameters[key].when) - {MODEL}:
            raise UserError(
                f"parameters.{key}.when may only refer to the model, because the constructor of"
                f" {name} requires '{key}'"
            )


def _first_values(
    architecture: Architecture, parameters: Parameters, models: Sequence[str]
) -> dict[str, Any]:
    """Return the first value of each keyword that the space sets for an architecture."""
    return {
        name: _ends(parameters[name])[0]
        for name in parameters
        if name.startswith(MODEL_PREFIX)
        and architecture.name in models_of(name, parameters, models)
    }


def _existing(values: Mapping[str, Any], parameters: Parameters) -> dict[str, Any]:
    """Return the values, keyed by keyword, whose conditions hold given the other values."""
    chosen: dict[str, Any] = {}
    for name, value in values.items():
        when = parameters[name].when
        if all(chosen.get(other) in when[other] for other in when if other in values):
            chosen[name] = value
    return {name.removeprefix(MODEL_PREFIX): value for name, value in chosen.items()}


def _middle(parameter: Any) -> Any:
    if isinstance(parameter, FloatParameter):
        return (parameter.low + parameter.high) / 2 if parameter.step is None else parameter.low
    if isinstance(parameter, IntParameter):
        step = parameter.step or 1
        return parameter.low + (parameter.high - parameter.low) // step // 2 * step
    return parameter.choices[len(parameter.choices) // 2]


def _ends(parameter: Any) -> Sequence[Any]:
    if isinstance(parameter, CategoricalParameter):
        return parameter.choices
    return (parameter.low, parameter.high)


def _tried(parameter: Any) -> Iterable[Any]:
    """Return the values to check: all of a short integer range, else the ends."""
    if isinstance(parameter, IntParameter) and parameter.high - parameter.low < MAX_TRIED:
        return parameter.values() or ()
    return _ends(parameter)
