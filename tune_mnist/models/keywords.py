"""Keyword arguments of network constructors, validated by their annotations."""

import inspect
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

import yaml
from pydantic import ConfigDict, PydanticUserError, TypeAdapter, ValidationError

from tune_mnist.errors import UserError, complaint, requirement
from tune_mnist.quoting import quoted

MODEL_PREFIX = "model."
"""Prefix of a keyword argument of a network in space files and tables, as in ``model.width``."""

MAX_KEYWORD_TEXT = 100
_SCALARS = (bool, int, float, str, NoneType)
_NAME = re.compile(r"[A-Za-z]\w{0,39}", re.ASCII)
_STRICT = ConfigDict(strict=True, allow_inf_nan=False, str_max_length=MAX_KEYWORD_TEXT)
_POSITIONAL = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


@dataclass(frozen=True)
class Keyword:
    """Keyword argument of a network's constructor, whose value can be chosen by a search.

    Attributes:
        name: Name of the keyword.
        annotation: Type annotation of the argument, or ``inspect.Parameter.empty``.
        default: Default value of the argument, or ``inspect.Parameter.empty``.
    """

    name: str
    annotation: Any
    default: Any

    @property
    def required(self) -> bool:
        """Whether the keyword argument has no default."""
        return self.default is inspect.Parameter.empty

    @property
    def key(self) -> str:
        """Key of the argument in space files and tables, such as ``model.width``."""
        return MODEL_PREFIX + self.name

    def checked(self, value: Any) -> Any:
        """Validate a value against the annotation and return it in the annotated type.

        Raises:
            UserError: The value does not match the annotation, or the annotation is not supported.
        """
        if not _is_scalar(self.annotation):
            raise UserError(
                f"{self.key} cannot be set, because the constructor does not annotate {self.name}"
                " as bool, int, float, str or Literal[...]"
            )
        if not is_keyword(self.name):
            raise UserError(
                f"{self.key} cannot be set, because the name of an argument must begin with a"
                " letter and have at most 40 ASCII letters, digits and _"
            )
        try:
            return _adapter(self.annotation).validate_python(value)
        except ValidationError as error:
            raise UserError(f"{self.key} {requirement(complaint(error))}") from None


def keywords_of(build: type) -> dict[str, Keyword]:
    """Return the keyword arguments of a class's constructor, keyed by name.

    Raises:
        TypeError: The signature cannot be read, or an annotation contains an unknown name.
    """
    try:
        parameters = inspect.signature(build).parameters
        hints = get_type_hints(build.__init__, include_extras=True)  # type: ignore[misc]
    except (NameError, ValueError) as error:
        raise TypeError(str(error)) from None
    return {
        name: Keyword(name, hints.get(name, parameter.annotation), parameter.default)
        for name, parameter in parameters.items()
        if parameter.kind in _POSITIONAL
    }


def is_keyword(name: str) -> bool:
    """Return whether a name is valid for a keyword argument, which becomes part of file names."""
    return _NAME.fullmatch(name) is not None


def split_keys(values: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Separate ``model.<keyword>`` keys from the other keys.

    Args:
        values: Values, keyed by field name or ``model.<keyword>``.

    Returns:
        Values of the other keys, and values of the ``model.<keyword>`` keys with ``model.``
        removed from each key.
    """
    others = {key: value for key, value in values.items() if not key.startswith(MODEL_PREFIX)}
    options = {
        key.removeprefix(MODEL_PREFIX): value for key, value in values.items() if key not in others
    }
    return others, options


def parse_options(texts: Iterable[str]) -> dict[str, Any]:
    """Parse the values of the option ``--model-option``.

    Args:
        texts: Strings of the form ``keyword=value``, with values in YAML syntax.

    Returns:
        Values, keyed by keyword.

    Raises:
        UserError: A string has another form, or a keyword occurs twice.
    """
    options: dict[str, Any] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        name = name.strip().removeprefix(MODEL_PREFIX)
        try:
            parsed = yaml.safe_load(value)
        except yaml.YAMLError:
            parsed = None
        if not equals or not isinstance(parsed, bool | int | float | str):
            raise UserError(
                f"--model-option {quoted(text)} must be KEYWORD=VALUE, such as width=16"
            )
        if name in options:
            raise UserError(
                f"--model-option {quoted(text)}: the keyword {name} must be given only once"
            )
        options[name] = parsed
    return options


def join_keys(options: Mapping[str, Any]) -> dict[str, Any]:
    """Prefix the keys of a network's options with ``model.``, as used in space files."""
    return {MODEL_PREFIX + name: value for name, value in options.items()}


def _is_scalar(annotation: Any) -> bool:
    """Return whether an annotation allows only numbers, strings, booleans and None."""
    kind = get_origin(annotation)
    if kind is Annotated:
        return _is_scalar(get_args(annotation)[0])
    if kind is Literal:
        return all(type(choice) in _SCALARS for choice in get_args(annotation))
    if kind in (Union, UnionType):
        return all(_is_scalar(member) for member in get_args(annotation))
    return annotation in _SCALARS


def _adapter(annotation: Any) -> TypeAdapter[Any]:
    try:
        return TypeAdapter(annotation, config=_STRICT)
    except PydanticUserError as error:
        raise UserError(f"annotation {annotation}: {error.message}") from None
