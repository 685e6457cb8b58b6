"""Keywords of a network's constructor: types, choices, bounds and defaults from its signature."""

import inspect
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

import yaml
from pydantic import ConfigDict, PydanticUserError, TypeAdapter, ValidationError

from tune_mnist.errors import UserError, complaint, reason
from tune_mnist.quoting import quoted

MODEL_PREFIX = "model."
"""What the key of an architecture's keyword begins with in a space file: ``model.width``."""

MAX_TEXT = 100
_SCALARS = (bool, int, float, str, NoneType)
_NAME = re.compile(r"[A-Za-z]\w{0,39}", re.ASCII)
_STRICT = ConfigDict(strict=True, allow_inf_nan=False, str_max_length=MAX_TEXT)
_POSITIONAL = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


@dataclass(frozen=True)
class Keyword:
    """A keyword of a network's constructor.

    Attributes:
        name: Name of the keyword.
        annotation: Its type annotation; ``inspect.Parameter.empty`` if there is none.
        default: Its default; ``inspect.Parameter.empty`` if there is none.
    """

    name: str
    annotation: Any
    default: Any

    @property
    def required(self) -> bool:
        """Whether the constructor has no default for it."""
        return self.default is inspect.Parameter.empty

    @property
    def key(self) -> str:
        """Its key in space files and tables, such as ``model.width``."""
        return MODEL_PREFIX + self.name

    def checked(self, value: Any) -> Any:
        """Return a value in the annotated type.

        Raises:
            UserError: The annotation forbids the value, or is none that values can be checked by.
        """
        if not _is_scalar(self.annotation):
            raise UserError(
                f"{self.key}: cannot be set: the constructor must annotate {self.name} as bool,"
                " int, float, str or Literal[...]"
            )
        if not is_keyword(self.name):
            raise UserError(
                f"{self.key}: cannot be set: must be up to 40 ASCII letters and digits"
            )
        try:
            return _adapter(self.annotation).validate_python(value)
        except ValidationError as error:
            wrong = reason(complaint(error))
            raise UserError(f"{self.key} = {quoted(value)}: must be {wrong}") from None


def keywords_of(build: type) -> dict[str, Keyword]:
    """Return the keywords of a class's constructor, by name.

    Raises:
        TypeError: The signature cannot be read, or an annotation names an unknown type.
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
    """Return whether a keyword of this name can be set: it becomes part of file names."""
    return _NAME.fullmatch(name) is not None


def split_keys(values: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Separate ``model.<keyword>`` keys from the others.

    Returns:
        The others, and the architecture's options by keyword.
    """
    others = {key: value for key, value in values.items() if not key.startswith(MODEL_PREFIX)}
    options = {
        key.removeprefix(MODEL_PREFIX): value for key, value in values.items() if key not in others
    }
    return others, options


def parse_options(texts: Iterable[str]) -> dict[str, Any]:
    """Return an architecture's options by keyword.

    Args:
        texts: Each ``keyword=value``, the value as in YAML.

    Raises:
        UserError: A text has another form, or names a keyword for the second time.
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
                f"--model-option {quoted(text)}: must be KEYWORD=VALUE, such as width=16"
            )
        if name in options:
            raise UserError(f"--model-option {quoted(text)}: {name} is given twice")
        options[name] = parsed
    return options


def join_keys(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return an architecture's options by ``model.<keyword>`` key."""
    return {MODEL_PREFIX + name: value for name, value in options.items()}


def _is_scalar(annotation: Any) -> bool:
    """Return whether all values of an annotation are numbers, words, true or false."""
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
