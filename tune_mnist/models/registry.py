"""Registry of architectures and the decorator ``register_model``.

Importable without PyTorch, because ``--help`` lists the shipped architectures.
"""

import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from typing import TYPE_CHECKING, Any, TypeVar

from tune_mnist.errors import UserError, unknown
from tune_mnist.models.keywords import MODEL_PREFIX, Keyword, keywords_of
from tune_mnist.models.settings import MAX_SIZE
from tune_mnist.quoting import MAX_QUOTED, shortened
from tune_mnist.suggestions import did_you_mean

if TYPE_CHECKING:
    from torch import nn

SHIPPED = (
    "lenet",
    "alexnet",
    "resnet",
    "vggnet",
)
"""Names of the shipped architectures and of their modules."""

ACTIVATIONS = ("sigmoid", "tanh", "relu", "gelu", "silu", "elu", "leaky_relu")
"""Activations with a derived initialization, see ``tune_mnist.models.initialisation``."""

RESERVED = ("num_classes", "in_channels", "dropout")
"""Keywords of a constructor that cannot be searched as ``model.<keyword>``."""

MIN_FIXED_SIZE = 8
_NAME = re.compile(r"[a-z][a-z0-9_-]{0,39}")

_registered: dict[str, "Architecture"] = {}


@dataclass(frozen=True)
class Architecture:
    """Registered network: its class and metadata.

    Attributes:
        name: Name in space files, tables and folders.
        build: Class of the network.
        head: Dotted path of the layer that returns the logits, such as ``classifier.6``.
        activation: Activation between the layers, from which the scale of the initial weights is
            derived. If None, the weights of the constructor are kept.
        fixed_size: Side length of the input in pixels, if the network supports only one size.
            Smaller images are then padded with zeros to this size. None if the network supports
            all sizes of at least 28 pixels; images are then resized to the size that the user
            chooses.
        light: Whether one CPU core trains an epoch of MNIST within about a minute.
        cpu_probe: Number of 224x224 images that one CPU core processes in about a second.
    """

    name: str
    build: "type[nn.Module]"
    head: str
    activation: str | None = "relu"
    fixed_size: int | None = None
    light: bool = False
    cpu_probe: int = 32

    def input_size(self, image_size: int) -> int:
        """Return the side length of the images that the network receives, in pixels.

        Args:
            image_size: Requested side length in pixels. It is ignored if the network has a fixed
                size.
        """
        return self.fixed_size or image_size

    @cached_property
    def signature(self) -> dict[str, Keyword]:
        """All keyword arguments of the constructor, keyed by name."""
        return keywords_of(self.build)

    @property
    def keywords(self) -> dict[str, Keyword]:
        """Keyword arguments of the constructor that may be searched, keyed by name."""
        return {name: word for name, word in self.signature.items() if name not in RESERVED}

    @property
    def takes_dropout(self) -> bool:
        """Whether the constructor has a keyword argument ``dropout``."""
        return "dropout" in self.signature

    def checked_options(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """Validate keyword arguments for the constructor and return them in the annotated types.

        Args:
            options: Keyword arguments to validate, keyed by name.

        Raises:
            UserError: A keyword is unknown, a value does not match its annotation, or a keyword
                without a default is missing.
        """
        checked = {name: self.checked_option(name, value) for name, value in options.items()}
        for name, keyword in self.keywords.items():
            if keyword.required and name not in options:
                raise UserError(
                    f"'{keyword.key}' is missing: the constructor of {self.name} has no default"
                    " for it"
                )
        return checked

    def checked_option(self, name: str, value: Any) -> Any:
        """Validate one keyword argument for the constructor and return it in the annotated type.

        Raises:
            UserError: The keyword is unknown, or the value does not match its annotation.
        """
        keywords = self.keywords
        if name not in keywords:
            known = ", ".join(word.key for word in keywords.values())
            raise UserError(
                f"{MODEL_PREFIX}{shortened(name, MAX_QUOTED)}: {self.name} has no such keyword"
                f" argument{did_you_mean(name, keywords)}; it takes {known or 'none'}"
            )
        return keywords[name].checked(value)

    def chosen_activation(self, options: Mapping[str, Any]) -> str | None:
        """Return the activation from which the scale of the initial weights is derived.

        Args:
            options: Keyword arguments for the constructor. An argument ``activation`` takes
                precedence over the registered activation.

        Returns:
            Name of the activation, or None if the network keeps the weights of its constructor.
        """
        keyword = self.keywords.get("activation")
        if keyword is None or self.activation is None:
            return self.activation
        return str(options.get("activation", keyword.default))


Network = TypeVar("Network", bound="type[nn.Module]")


def register_model(
    name: str,
    *,
    head: str,
    activation: str | None = "relu",
    fixed_size: int | None = None,
    light: bool = False,
    cpu_probe: int = 32,
) -> Callable[[Network], Network]:
    """Class decorator that registers a network as an architecture.

    The constructor must take ``num_classes`` and ``in_channels`` and may take ``dropout``. Every
    other keyword annotated as bool, int, float, str or Literal can be searched as
    ``model.<keyword>``. The network maps images, float (B, in_channels, S, S), to logits, float
    (B, num_classes).

    Args:
        name: Name of the architecture in space files, tables and folders. It must be unused and
            consist of lower case letters, digits, - and _.
        head: Dotted path of the layer that returns the logits, such as ``classifier``.
        activation: Activation between the layers, one of ``ACTIVATIONS``, from which the scale of
            the initial weights is derived. A keyword ``activation`` of the constructor takes
            precedence. If None, the weights of the constructor are kept.
        fixed_size: Side length of the input in pixels, if the network supports only one size. None
            if it supports all sizes of at least 28 pixels.
        light: Whether one CPU core trains an epoch of MNIST within about a minute. The command
            ``train`` then uses all images by default.
        cpu_probe: Number of 224x224 images that one CPU core processes in about a second, used to
            measure the speed before a search.

    Raises:
        UserError: The name is invalid or taken, or the class does not meet the requirements.
    """

    def register(build: Network) -> Network:
        architecture = Architecture(
            name, build, head, activation, fixed_size, light=light, cpu_probe=cpu_probe
        )
        _check(architecture)
        _registered[name] = architecture
        return build

    return register


def model_names() -> tuple[str, ...]:
    """Return the names of all registered architectures, the shipped ones first."""
    return SHIPPED + tuple(name for name in _registered if name not in SHIPPED)


def get_architecture(name: str) -> Architecture:
    """Return the architecture with a given name.

    Raises:
        UserError: The name is not registered.
    """
    if name in SHIPPED and name not in _registered:
        import_module(f"tune_mnist.models.{name}")
    if name not in _registered:
        error = unknown("model", name, model_names())
        raise UserError(
            f"{error}, or name the file of your own network with --models FILE (in Python,"
            " models=FILE)"
        )
    return _registered[name]


def check_registered(name: str) -> str:
    """Return the name of an architecture unchanged if it is registered.

    Raises:
        UserError: The name is not registered.
    """
    return get_architecture(name).name


def own_networks() -> tuple[Architecture, ...]:
    """Return the architectures that the user has registered."""
    return tuple(each for name, each in _registered.items() if name not in SHIPPED)


def registered_in(module: str) -> tuple[str, ...]:
    """Return the names of the user's architectures whose class is in the package of a module.

    Args:
        module: Name of the module, such as ``package.module``. Its part before the first dot names
            the package.
    """
    package = module.partition(".")[0]
    return tuple(
        each.name for each in own_networks() if each.build.__module__.partition(".")[0] == package
    )


def forget_module(module: str) -> None:
    """Unregister the user's architectures that a module defines."""
    for each in own_networks():
        if each.build.__module__ == module:
            del _registered[each.name]


def take_over(architecture: Architecture) -> None:
    """Register an architecture that another process has already checked."""
    _registered[architecture.name] = architecture


def _check(architecture: Architecture) -> None:
    """Check the name, the class and the signature of the constructor."""
    name, build = architecture.name, architecture.build
    where = f"register_model({name!r})"
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise UserError(
            f"{where}: the name must start with a lower case letter and have at most 40 lower case"
            " letters, digits, - and _"
        )
    own = getattr(build, "__module__", "") == f"tune_mnist.models.{name}"
    taken = name in _registered and not _is_new_version(_registered[name].build, build)
    if taken or (name in SHIPPED and not own):
        raise UserError(f"{where}: the name is taken by another network: choose another name")
    _check_class(where, build)
    try:
        signature = architecture.signature
    except TypeError as error:
        raise UserError(
            f"{where}: cannot read the signature of {build.__name__}: {error}"
        ) from None
    for keyword in ("num_classes", "in_channels"):
        if keyword not in signature:
            raise UserError(
                f"{where}: the constructor of {build.__name__} must take the keyword {keyword}"
            )
    if architecture.activation not in (None, *ACTIVATIONS):
        wrong = unknown("activation", str(architecture.activation), ACTIVATIONS)
        raise UserError(f"{where}: {wrong}")
    size = architecture.fixed_size
    if size is not None and not MIN_FIXED_SIZE <= size <= MAX_SIZE:
        raise UserError(
            f"{where}: fixed_size must be from {MIN_FIXED_SIZE} to {MAX_SIZE} pixels, but is"
            f" {size}"
        )
    if not isinstance(architecture.head, str) or not architecture.head:
        raise UserError(
            f"{where}: head must be the dotted path of the layer that returns the logits"
        )


def _is_new_version(earlier: type, build: type) -> bool:
    """Return whether a class is redefined in a notebook or interactive session."""
    places = [(each.__module__, each.__qualname__) for each in (earlier, build)]
    return hasattr(sys, "ps1") and places[0] == places[1] and places[0][0] == "__main__"


def _check_class(where: str, build: object) -> None:
    from torch import nn

    if not isinstance(build, type) or not issubclass(build, nn.Module):
        called = getattr(build, "__name__", repr(build))
        raise UserError(f"{where}: {called} must be a class derived from torch.nn.Module")
