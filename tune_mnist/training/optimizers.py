"""Creation of optimizers by name."""

import inspect
from collections.abc import Iterable
from typing import TypeVar, cast

import torch
from torch import nn, optim

from tune_mnist.errors import unknown
from tune_mnist.training.settings import OPTIMIZERS

_Optimizer = TypeVar("_Optimizer", bound=optim.Optimizer)

_ADAM: tuple[set[str], set[str]] = ({"step", "exp_avg", "exp_avg_sq"}, set())
STATE_TENSORS: dict[str, tuple[set[str], set[str]]] = {
    "sgd": (set(), {"momentum_buffer"}),
    "adam": _ADAM,
    "adamw": _ADAM,
    "rmsprop": ({"step", "square_avg"}, {"momentum_buffer"}),
}
"""Names of the tensors that each optimizer keeps per parameter, keyed by the optimizer's name.

The first set is always present, the second only with momentum.
"""


def _without_compiler(base: type[_Optimizer]) -> type[_Optimizer]:
    """Return an optimizer class without the wrappers that only serve ``torch.compile``.

    Their first call imports ``torch._dynamo`` (PyTorch 2.14, see pytorch/pytorch#104053): 876
    modules, about 1.5 s of CPU time and 145 MB in every process that trains.
    """
    names = ("add_param_group", "load_state_dict", "state_dict", "zero_grad")
    methods = {name: inspect.unwrap(getattr(base, name)) for name in names}
    # The wrapper of step also disables gradients.
    methods["step"] = torch.no_grad()(inspect.unwrap(base.step))
    return cast(type[_Optimizer], type(base.__name__, (base,), methods))


_SGD, _RMSprop = _without_compiler(optim.SGD), _without_compiler(optim.RMSprop)
_Adam, _AdamW = _without_compiler(optim.Adam), _without_compiler(optim.AdamW)


def create_optimizer(
    name: str,
    parameters: Iterable[nn.Parameter],
    lr: float,
    momentum: float = 0.0,
    weight_decay: float = 0.0,
    capturable: bool = False,
) -> optim.Optimizer:
    """Create an optimizer by name.

    Args:
        name: Name of the optimizer: ``"sgd"``, ``"adam"`` (Kingma, Ba, ICLR 2015), ``"adamw"``
            (Loshchilov, Hutter, ICLR 2019) or ``"rmsprop"``.
        parameters: Parameters to optimize.
        lr: Learning rate, greater than 0.
        momentum: Momentum of sgd and rmsprop, from 0 to 1. It is ignored by adam and adamw, which
            use beta1 = 0.9.
        weight_decay: L2 penalty, at least 0. For adamw, the decay is decoupled from the gradient.
        capturable: Whether to keep the step count on the GPU, as CUDA graphs require.

    Raises:
        UserError: The name is unknown.
    """
    # The fused Adam updates VGG's 129 million parameters in one pass instead of ten, eight times
    # as fast on a CPU. RMSprop has no fused implementation.
    match name:
        case "sgd":
            return _SGD(
                parameters, lr=lr, momentum=momentum, weight_decay=weight_decay, fused=True
            )
        case "adam" | "adamw":
            return (_Adam if name == "adam" else _AdamW)(
                parameters, lr=lr, weight_decay=weight_decay, fused=True, capturable=capturable
            )
        case "rmsprop":
            return _RMSprop(
                parameters,
                lr=lr,
                momentum=momentum,
                weight_decay=weight_decay,
                capturable=capturable,
            )
        case _:
            raise unknown("optimizer", name, OPTIMIZERS)
