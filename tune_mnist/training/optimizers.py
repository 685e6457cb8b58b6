"""Creation of optimizers by name."""

from collections.abc import Iterable

from torch import nn, optim

from tune_mnist.errors import unknown
from tune_mnist.training.settings import OPTIMIZERS

_ADAM: tuple[set[str], set[str]] = ({"step", "exp_avg", "exp_avg_sq"}, set())
STATE_TENSORS: dict[str, tuple[set[str], set[str]]] = {
    "sgd": (set(), {"momentum_buffer"}),
    "adam": _ADAM,
    "adamw": _ADAM,
    "rmsprop": ({"step", "square_avg"}, {"momentum_buffer"}),
}
"""State tensors per parameter by optimizer: those always present, and those with momentum only."""


def create_optimizer(
    name: str,
    parameters: Iterable[nn.Parameter],
    lr: float,
    momentum: float = 0.0,
    weight_decay: float = 0.0,
    capturable: bool = False,
) -> optim.Optimizer:
    """Create an optimizer.

    Args:
        name: ``"sgd"``, ``"adam"`` (Kingma, Ba, ICLR 2015), ``"adamw"`` (Loshchilov, Hutter, ICLR
            2019) or ``"rmsprop"``.
        parameters: Parameters to optimise.
        lr: Learning rate, greater than 0.
        momentum: Momentum of sgd and rmsprop, from 0 to 1. Ignored by adam and adamw, which use
            beta1 = 0.9.
        weight_decay: L2 penalty, at least 0. Decoupled from the gradient for adamw.
        capturable: Whether to keep the step count on the GPU, as required by CUDA graphs.

    Raises:
        UserError: The name is unknown.
    """
    # The fused Adam updates VGG's 129 million parameters in one pass instead of ten, eight times
    # as fast on a CPU. RMSprop has no fused implementation.
    match name:
        case "sgd":
            return optim.SGD(
                parameters, lr=lr, momentum=momentum, weight_decay=weight_decay, fused=True
            )
        case "adam" | "adamw":
            return (optim.Adam if name == "adam" else optim.AdamW)(
                parameters, lr=lr, weight_decay=weight_decay, fused=True, capturable=capturable
            )
        case "rmsprop":
            return optim.RMSprop(
                parameters,
                lr=lr,
                momentum=momentum,
                weight_decay=weight_decay,
                capturable=capturable,
            )
        case _:
            raise unknown("optimizer", name, OPTIMIZERS)
