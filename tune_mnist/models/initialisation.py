"""Weight initialization derived from the activation of a network."""

from collections.abc import Callable
from functools import partial

from torch import Tensor, nn

from tune_mnist.errors import UserError

# Glorot and Bengio (AISTATS 2010, section 4.2.1) derive Xavier's variance for an activation with
# slope 1 at 0, such as tanh. The slope of the logistic sigmoid is 1/4, so its gain is 4. Kaiming's
# variance is derived for ReLU (He et al., ICCV 2015, section 2.2) and is commonly used for similar
# activations.
_DRAW: dict[str, Callable[[Tensor], object]] = {
    "sigmoid": partial(nn.init.xavier_uniform_, gain=4.0),
    "tanh": nn.init.xavier_uniform_,
    **dict.fromkeys(("relu", "gelu", "silu", "elu", "leaky_relu"), nn.init.kaiming_normal_),
}


def draw_weights(model: nn.Module, activation: str, head: str) -> None:
    """Draw new weights for all convolutions and dense layers, and set their biases to zero.

    Args:
        model: Network to initialize.
        activation: Name of the activation between the layers of the network.
        head: Dotted path of the layer that returns the logits, such as ``classifier.6``.

    Raises:
        UserError: The activation is unknown, or the head does not exist.
    """
    if activation not in _DRAW:
        raise UserError(
            f"activation must be one of {', '.join(_DRAW)}, but is {activation!r}; to"
            " keep the weights of the constructor, register the network with activation=None"
        )
    last = head_of(model, head)
    for layer in model.modules():
        if not isinstance(layer, nn.Conv2d | nn.Linear):
            continue
        if layer.bias is not None:
            nn.init.zeros_(layer.bias)
        # The head is followed by a softmax. The gain of an activation would make the first loss
        # too large.
        (nn.init.xavier_uniform_ if layer is last else _DRAW[activation])(layer.weight)


def head_of(model: nn.Module, head: str) -> nn.Conv2d | nn.Linear:
    """Return the layer that returns the logits.

    Args:
        model: Network that contains the layer.
        head: Dotted path of the layer, such as ``classifier.6``.

    Raises:
        UserError: The layer does not exist, or is neither a Linear nor a Conv2d layer.
    """
    try:
        layer = model.get_submodule(head)
    except AttributeError:
        raise UserError(
            f"the network has no layer {head!r}, which is registered as its head"
        ) from None
    if not isinstance(layer, nn.Conv2d | nn.Linear):
        kind = type(layer).__name__
        raise UserError(
            f"head must be the path of a Linear or Conv2d layer, but {head!r} is a {kind}"
        )
    return layer
