"""Initial weights, derived from the activation that follows a layer."""

from collections.abc import Callable
from functools import partial

from torch import Tensor, nn

from tune_mnist.errors import UserError

# Glorot and Bengio (AISTATS 2010, section 4.2.1) derive Xavier's variance for an activation whose
# slope at 0 is 1, as tanh's is. The logistic sigmoid's slope there is 1/4, so its weights are four
# times as large. Kaiming's derivation is for ReLU (He et al., ICCV 2015, section 2.2), and usual
# for activations that resemble it.
_DRAW: dict[str, Callable[[Tensor], object]] = {
    "sigmoid": partial(nn.init.xavier_uniform_, gain=4.0),
    "tanh": nn.init.xavier_uniform_,
    **dict.fromkeys(("relu", "gelu", "silu", "elu", "leaky_relu"), nn.init.kaiming_normal_),
}


def draw_weights(model: nn.Module, activation: str, head: str) -> None:
    """Draw the weights of all convolutions and dense layers afresh; biases become zero.

    Args:
        model: The network.
        activation: Activation between its layers.
        head: Dotted path of the layer that gives the logits.

    Raises:
        UserError: The activation is unknown, or there is no such layer.
    """
    if activation not in _DRAW:
        raise UserError(
            f"activation = {activation!r}: the initial weights are known only for"
            f" {', '.join(_DRAW)}: register the network with activation=None to keep the weights"
            " that its constructor draws"
        )
    last = head_of(model, head)
    for layer in model.modules():
        if not isinstance(layer, nn.Conv2d | nn.Linear):
            continue
        if layer.bias is not None:
            nn.init.zeros_(layer.bias)
        # The head feeds a softmax: an activation's gain would make the first loss too large.
        (nn.init.xavier_uniform_ if layer is last else _DRAW[activation])(layer.weight)


def head_of(model: nn.Module, head: str) -> nn.Conv2d | nn.Linear:
    """Return the layer that gives the logits.

    Args:
        model: The network.
        head: Dotted path of the layer.

    Raises:
        UserError: There is no such layer, or it is neither dense nor a convolution.
    """
    try:
        layer = model.get_submodule(head)
    except AttributeError:
        raise UserError(f"head = {head!r}: the network has no layer of that name") from None
    if not isinstance(layer, nn.Conv2d | nn.Linear):
        raise UserError(f"head = {head!r}: must be a Linear or Conv2d layer")
    return layer
