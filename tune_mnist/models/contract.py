"""Check of a network on one batch, before a search or a run starts."""

import sys
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from tune_mnist.errors import UserError, line_in
from tune_mnist.models.factory import create_model, outline
from tune_mnist.models.initialisation import head_of
from tune_mnist.models.registry import Architecture, get_architecture

BATCH = 2


def check_network(
    name: str,
    num_classes: int,
    in_channels: int,
    image_size: int,
    options: Mapping[str, Any],
    *,
    values: bool = True,
) -> None:
    """Check that a network can be built and applied to a batch, and that its output is valid.

    Args:
        name: Name of the architecture.
        num_classes: Number of classes.
        in_channels: Number of image channels, 1 or 3.
        image_size: Side length of the images in pixels. It is ignored if the network has a fixed
            input size.
        options: Keyword arguments for the constructor of the network.
        values: Whether to compute with allocated weights. If False, only shapes are checked on the
            meta device, which takes almost no time and memory, unless the network does not support
            it.

    Raises:
        UserError: The network cannot be built or applied, or its output is not a float tensor of
            shape (B, num_classes).
    """
    architecture = get_architecture(name)
    arguments = architecture.checked_options(options)
    shape = (BATCH, in_channels, *2 * (architecture.input_size(image_size),))
    given = "".join(f", {keyword}={value!r}" for keyword, value in arguments.items())
    where = (
        f"network {name} (num_classes={num_classes}, in_channels={in_channels}{given}) on a batch"
        f" {shape}"
    )
    if not values:
        try:
            network = outline(name, num_classes, in_channels, arguments)
            _check_logits(where, architecture, network, num_classes, _apply(network, shape))
        except UserError:
            raise
        except Exception:
            values = True
    if values:
        network = _built(where, name, num_classes, in_channels, arguments)
        try:
            logits = _apply(network, shape)
        except Exception as error:
            raise _broken(f"{where} fails", architecture, error) from None
        _check_logits(where, architecture, network, num_classes, logits)


def _built(
    where: str, name: str, num_classes: int, in_channels: int, options: Mapping[str, Any]
) -> nn.Module:
    try:
        with torch.random.fork_rng(devices=[]):
            return create_model(name, num_classes, in_channels=in_channels, options=options)
    except UserError as error:
        raise UserError(f"{where}: {error}") from None
    except Exception as error:
        raise _broken(f"{where} cannot be built", get_architecture(name), error) from None


def _apply(network: nn.Module, shape: tuple[int, ...]) -> Any:
    device = next((each.device for each in network.parameters()), torch.device("cpu"))
    with torch.no_grad(), torch.random.fork_rng(devices=[]):
        return network(torch.zeros(shape, device=device))


def _check_logits(
    where: str, architecture: Architecture, network: nn.Module, num_classes: int, logits: Any
) -> None:
    right = f"{where} must return logits, float ({BATCH}, {num_classes}), but returns"
    if not isinstance(logits, Tensor):
        raise UserError(f"{right} {type(logits).__name__}")
    if tuple(logits.shape) != (BATCH, num_classes):
        raise UserError(f"{right} the shape {tuple(logits.shape)}")
    if not logits.is_floating_point():
        raise UserError(f"{right} {logits.dtype}")
    try:
        head = head_of(network, architecture.head)
    except UserError as error:
        raise UserError(f"{where}: {error}") from None
    if len(head.weight) != num_classes:
        raise UserError(
            f"{where}: head must be the layer that returns the logits, but {architecture.head} has"
            f" {len(head.weight)} outputs"
        )


def _broken(where: str, architecture: Architecture, error: Exception) -> UserError:
    text = str(error).strip().splitlines()
    file = getattr(sys.modules.get(architecture.build.__module__), "__file__", None)
    line = line_in(error, file) if file else None
    place = f" ({file}, line {line})" if line else ""
    kind = type(error).__name__
    return UserError(f"{where}: {kind}: {text[0] if text else 'no message'}{place}")
