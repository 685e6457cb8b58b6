"""Registry of architectures: ``@register_model`` over a network's class.

Importing it needs no PyTorch: commands list the shipped names in their help.
"""

import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from typing import TYPE_CHECKING, Any, TypeVar

from tune_mnist.errors import UserError, did_you_mean, unknown
from tune_mnist.models.keywords import MODEL_PREFIX, Keyword, keywords_of
from tune_mnist.models.settings import MAX_SIZE
from tune_mnist.quoting import MAX_QUOTED, shortened

if TYPE_CHECKING:
    from torch import nn

SHIPPED = ("lenet", "alexnet", "resnet", "vggnet")
"""Architectures of the package, each in a module of its name."""

ACTIVATIONS = ("sigmoid", "tanh", "relu", "gelu", "silu", "elu", "leaky_relu")
"""Activations whose initial weights are known; see :mod:`tune_mnist.models.initialisation`."""

RESERVED = ("num_classes", "in_channels", "dropout")
"""Keywords of a constructor that are not options of the architecture."""

MIN_FIXED_SIZE = 8
_NAME = re.compile(r"[a-z][a-z0-9_-]{0,39}")

_registered: dict[str, "Architecture"] = {}


@dataclass(frozen=True)
class Architecture:
    """A registered network: its class, and what the system must know of it.

    Attributes:
        name: Name in space files, tables and folders.
        build: The network's class.
        head: Dotted path of the layer that gives the logits, such as ``classifier.6``.
        activation: Name of the activation between the layers, which decides how weights are
            drawn; None: weights stay as the constructor draws them.
        fixed_size: Side in pixels of the only input size that the network takes (smaller images
            are padded with zeros); None if it takes any from 28 on (images are resized).
        light: Whether one CPU core trains an epoch on all of MNIST within about a minute.
        cpu_probe: Images of 224x224 with which one CPU core is kept busy for about a second.
    """

    name: str
    build: "type[nn.Module]"
    head: str
    activation: str | None = "relu"
    fixed_size: int | None = None
    light: bool = False
    cpu_probe: int = 32

    def input_size(self, image_size: int) -> int:
        """Return the side in pixels of the input when ``image_size`` was asked for."""
        return self.fixed_size or image_size

    @cached_property
    def signature(self) -> dict[str, Keyword]:
        """All keywords of the constructor, by name."""
        return keywords_of(self.build)

    @property
    def keywords(self) -> dict[str, Keyword]:
        """Keywords of the constructor that may be searched, by name."""
        return {name: word for name, word in self.signature.items() if name not in RESERVED}

    @property
    def takes_dropout(self) -> bool:
        """Whether the constructor has the keyword ``dropout``."""
        return "dropout" in self.signature

    def checked_options(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """Return values for the constructor's keywords, in the annotated types.

        Raises:
            UserError: A keyword does not exist, its annotation forbids the value, or one without
                a default is missing.
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
        """Return the value for one keyword, in the annotated type.

        Raises:
            UserError: The keyword does not exist, or its annotation forbids the value.
        """
        keywords = self.keywords
        if name not in keywords:
            known = ", ".join(word.key for word in keywords.values())
            raise UserError(
                f"{MODEL_PREFIX}{shortened(name, MAX_QUOTED)}: {self.name} has no such keyword"
                f"{did_you_mean(name, keywords)}: it has {known or 'none'}"
            )
        return keywords[name].checked(value)

    def chosen_activation(self, options: Mapping[str, Any]) -> str | None:
        """Return the activation that decides how weights are drawn.

        Args:
            options: Values of the constructor's keywords; a keyword ``activation`` decides.
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
    """Register the class below as an architecture.

    The constructor takes ``num_classes`` and ``in_channels``, optionally ``dropout``; every other
    keyword that is annotated as bool, int, float, str or Literal may be searched as
    ``model.<keyword>``. The network takes float (B, in_channels, S, S) and returns logits
    (B, num_classes).

    Args:
        name: Name in space files: lower case letters, digits, - and _; not taken yet.
        head: Dotted path of the layer that gives the logits, such as ``classifier``.
        activation: Activation between the layers, by which weights are drawn: one of
            ``ACTIVATIONS``; a keyword ``activation`` of the constructor takes precedence. None:
            weights stay as the constructor draws them.
        fixed_size: Side in pixels of the only input size that the network takes; None: any.
        light: Whether one CPU core trains an epoch on all of MNIST within about a minute; then
            ``train`` uses all images by default.
        cpu_probe: Images of 224x224 with which one CPU core is kept busy for about a second, by
            which the speed is measured before a search.

    Raises:
        UserError: The name is taken, or the class does not fulfil the contract.
    """

    def register(build: Network) -> Network:
        architecture = Architecture(
            name, build, head, activation, fixed_size, light=light, cpu_probe=cpu_probe
        )
        _check(architecture)
        _registered[name] = architecture
        return build

    return register


def is_name(name: object) -> bool:
    """Return whether an architecture may have this name: it becomes part of file names."""
    return isinstance(name, str) and _NAME.fullmatch(name) is not None


def model_names() -> tuple[str, ...]:
    """Return the names of all architectures, the shipped ones first."""
    return SHIPPED + tuple(name for name in _registered if name not in SHIPPED)


def get_architecture(name: str) -> Architecture:
    """Return the architecture of that name.

    Raises:
        UserError: There is none of that name.
    """
    if name in SHIPPED and name not in _registered:
        import_module(f"tune_mnist.models.{name}")
    if name not in _registered:
        error = unknown("model", name, model_names())
        raise UserError(f"{error}; a network of your own needs --models FILE on the command line")
    return _registered[name]


def check_registered(name: str) -> str:
    """Return the name of an architecture.

    Raises:
        UserError: There is none of that name.
    """
    return get_architecture(name).name


def own_networks() -> tuple[Architecture, ...]:
    """Return the registered networks that do not come with the package."""
    return tuple(each for name, each in _registered.items() if name not in SHIPPED)


def registered_in(module: str) -> tuple[str, ...]:
    """Return the networks whose classes are defined in a module, or elsewhere in its package."""
    package = module.partition(".")[0]
    return tuple(
        each.name for each in own_networks() if each.build.__module__.partition(".")[0] == package
    )


def forget_module(module: str) -> None:
    """Forget the networks whose classes are defined in a module."""
    for each in own_networks():
        if each.build.__module__ == module:
            del _registered[each.name]


def take_over(architecture: Architecture) -> None:
    """Register a network that another process has checked."""
    _registered[architecture.name] = architecture


def _check(architecture: Architecture) -> None:
    """Check the contract as far as the class and its signature show it."""
    name, build = architecture.name, architecture.build
    where = f"register_model({name!r})"
    if not is_name(name):
        raise UserError(
            f"{where}: the name must be lower case letters, digits, - and _, a letter first, 40"
            " at most"
        )
    own = getattr(build, "__module__", "") == f"tune_mnist.models.{name}"
    taken = name in _registered and not _is_new_version(_registered[name].build, build)
    if taken or (name in SHIPPED and not own):
        raise UserError(f"{where}: the name is taken by another network: choose another name")
    _check_class(where, build)
    try:
        signature = architecture.signature
    except TypeError as error:
        raise UserError(f"{where}: the constructor of {build.__name__}: {error}") from None
    for keyword in ("num_classes", "in_channels"):
        if keyword not in signature:
            raise UserError(
                f"{where}: the constructor of {build.__name__} must take the keyword {keyword}"
            )
    if architecture.activation not in (None, *ACTIVATIONS):
        raise unknown(f"{where}: activation", str(architecture.activation), ACTIVATIONS)
    size = architecture.fixed_size
    if size is not None and not MIN_FIXED_SIZE <= size <= MAX_SIZE:
        raise UserError(
            f"{where}: fixed_size = {size}: must be from {MIN_FIXED_SIZE} to {MAX_SIZE} pixels"
        )
    if not isinstance(architecture.head, str) or not architecture.head:
        raise UserError(
            f"{where}: head must be the dotted path of the layer that gives the logits"
        )


def _is_new_version(earlier: type, build: type) -> bool:
    """Return whether a cell of a notebook is run again, or a class typed again."""
    places = [(each.__module__, each.__qualname__) for each in (earlier, build)]
    return hasattr(sys, "ps1") and places[0] == places[1] and places[0][0] == "__main__"


def _check_class(where: str, build: object) -> None:
    from torch import nn

    if not isinstance(build, type) or not issubclass(build, nn.Module):
        called = getattr(build, "__name__", repr(build))
        raise UserError(f"{where}: {called} must be a class derived from torch.nn.Module")
