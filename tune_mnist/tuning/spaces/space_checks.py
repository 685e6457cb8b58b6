"""Checks of the parameters, conditions and baselines of a space file."""

from collections.abc import Iterable, Mapping
from graphlib import CycleError, TopologicalSorter
from typing import Any

from tune_mnist.errors import UserError
from tune_mnist.models.keywords import MODEL_PREFIX
from tune_mnist.models.registry import get_architecture
from tune_mnist.quoting import quoted
from tune_mnist.suggestions import did_you_mean
from tune_mnist.training import REQUIRED, SEARCHABLE
from tune_mnist.training.config import SEARCHABLE_HELP
from tune_mnist.tuning.spaces.architectures import MODEL, Parameters, check_trainable
from tune_mnist.tuning.spaces.parameters import CategoricalParameter, FloatParameter
from tune_mnist.tuning.spaces.space_file import SpaceFile


def checked_parameters(file: SpaceFile) -> dict[str, Any]:
    """Check the content of a space file, and return its parameters.

    Args:
        file: Content of the file, checked for types.

    Returns:
        Parameters, keyed by name. The model is one of them if the file has several. A parameter
        comes after those that its ``when`` condition refers to.

    Raises:
        UserError: The content is invalid. The message names the key and the value.
    """
    if not file.parameters and isinstance(file.model, str):
        raise UserError("parameters is empty, but a search space needs at least one parameter")
    _check_known(file.parameters)
    parameters: dict[str, Any] = dict(file.parameters)
    if isinstance(file.model, str):
        get_architecture(file.model)
    else:
        parameters = {MODEL: file.model} | parameters
        _check_always_there(MODEL, parameters)
    for name in REQUIRED:
        _check_always_there(name, parameters)
    ordered = _ordered(parameters)
    models = [file.model] if isinstance(file.model, str) else _checked_models(file.model)
    check_trainable(ordered, models)
    for number, baseline in enumerate(file.baselines, start=1):
        _check_baseline(f"baselines[{number}]", baseline, ordered)
    return ordered


def condition_holds(parameter: Any, drawn: Mapping[str, Any]) -> bool:
    """Return whether the ``when`` condition of a parameter holds in a configuration."""
    return all(drawn.get(other) in values for other, values in parameter.when.items())


def _check_known(names: Iterable[str]) -> None:
    for name in names:
        if name not in SEARCHABLE and not name.startswith(MODEL_PREFIX):
            hint = did_you_mean(name, SEARCHABLE, SEARCHABLE_HELP)
            raise UserError(
                f"parameters: unknown parameter {quoted(name)}{hint}; known parameters are"
                f" {', '.join(SEARCHABLE)} and {MODEL_PREFIX}<keyword of the network>"
            )


def _check_always_there(name: str, parameters: Parameters) -> None:
    """Check that a parameter without a default exists in every configuration."""
    if name not in parameters:
        raise UserError(
            f"parameters: '{name}' is missing and has no default"
            " (for a single value, use type: categorical with choices: [value])"
        )
    if parameters[name].when:
        raise UserError(
            f"{_key(name)}.when: {name} must exist in every configuration; remove 'when'"
        )


def _ordered(parameters: Parameters) -> dict[str, Any]:
    """Sort parameters topologically: each after those that its ``when`` refers to."""
    for name, parameter in parameters.items():
        for other, values in parameter.when.items():
            _check_condition(f"{_key(name)}.when", other, values, parameters)
    try:
        order = TopologicalSorter({n: p.when.keys() for n, p in parameters.items()})
        return {name: parameters[name] for name in order.static_order()}
    except CycleError as error:
        raise UserError(
            f"parameters: the conditions ('when') form a cycle: {' -> '.join(error.args[1])}"
        ) from None


def _check_condition(place: str, other: str, values: list[Any], parameters: Parameters) -> None:
    """Check a part of a ``when`` condition: another parameter and the values it must have."""
    if other not in parameters:
        raise UserError(
            f"{place}: '{other}' is not a parameter of this space{did_you_mean(other, parameters)}"
        )
    if isinstance(parameters[other], FloatParameter):
        raise UserError(
            f"{place}.{other}: {other} is {parameters[other]}, so it hardly ever takes one exact"
            " value; use a categorical or int parameter in the condition"
        )
    if not values:
        raise UserError(f"{place}.{other} must list at least one value, but is empty")
    for value in values:
        if not parameters[other].contains(value):
            raise UserError(
                f"{place}.{other}: {other} can never be {quoted(value)}; it is"
                f" {parameters[other]}{_close(value, parameters[other])}"
            )


def _checked_models(parameter: CategoricalParameter) -> list[str]:
    """Return the architectures that a parameter chooses from, and check that they exist."""
    for value in parameter.choices:
        if not isinstance(value, str):
            raise UserError(f"model must be the name of an architecture, but is {quoted(value)}")
        try:
            get_architecture(value)
        except UserError as error:
            raise UserError(f"model: {error}") from None
    return parameter.choices


def _check_baseline(place: str, baseline: dict[str, Any], parameters: Parameters) -> None:
    for name, value in baseline.items():
        if name not in parameters:
            raise UserError(
                f"{place}: '{name}' is not a parameter of this space"
                f"{did_you_mean(name, parameters)}; its parameters are {', '.join(parameters)}"
            )
        if not parameters[name].contains(value):
            raise UserError(
                f"{place}.{name} must be {parameters[name]} to be inside the space, but is"
                f" {quoted(value)}"
            )
        if not condition_holds(parameters[name], baseline):
            raise UserError(
                f"{place}.{name} exists only when {_condition(parameters[name])}; remove it from"
                " this baseline"
            )


def _key(name: str) -> str:
    """Return the key of a parameter in the space file."""
    return name if name == MODEL else f"parameters.{name}"


def _condition(parameter: Any) -> str:
    return " and ".join(
        f"{other} is {' or '.join(map(str, values))}" for other, values in parameter.when.items()
    )


def _close(value: Any, parameter: Any) -> str:
    if not isinstance(parameter, CategoricalParameter):
        return ""
    return did_you_mean(str(value), [str(choice) for choice in parameter.choices])
