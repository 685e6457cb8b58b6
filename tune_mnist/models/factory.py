"""The model factory: a name in, a freshly initialised network out."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn

from tune_mnist.errors import UserError, unknown
from tune_mnist.models.alexnet import AlexNet
from tune_mnist.models.lenet import LeNet
from tune_mnist.models.resnet import ResNet
from tune_mnist.models.vggnet import VGGNet

FULL_SIZE = 224
MIN_SIZE = 28
# Beyond, enlarged digits show nothing new, and one batch of them fills a large memory.
MAX_SIZE = 1024
# The labels of an IDX file are unsigned bytes.
MAX_CLASSES = 256


@dataclass(frozen=True)
class Architecture:
    """What the factory and the data pipeline must know of one architecture.

    Attributes:
        build: the network's class, called with num_classes and dropout.
        activation: Name of the function between the layers; decides how weights are drawn.
        fixed_size: side of the only input the network takes, in pixels (digits are padded with
            zeros to it); None if it takes any side from 28 on (digits are resized to it).
    """

    build: Callable[..., nn.Module]
    activation: str
    fixed_size: int | None = None

    def input_size(self, image_size: int) -> int:
        """Return the side in pixels of the input when ``image_size`` was asked for."""
        return self.fixed_size or image_size


DERIVED = "derived"
INITS = (DERIVED, "torch")

# Glorot and Bengio (AISTATS 2010, section 4.2.1) derive Xavier's variance for an activation whose
# slope at 0 is 1, as tanh's is. The logistic sigmoid's slope there is 1/4, so its weights are four
# times as large. Kaiming's derivation is for ReLU (He et al., ICCV 2015, section 2.2).
_WEIGHTS: dict[str, Callable[[Tensor], object]] = {
    "sigmoid": partial(nn.init.xavier_uniform_, gain=4.0),
    "tanh": nn.init.xavier_uniform_,
    "relu": nn.init.kaiming_normal_,
}

ARCHITECTURES = {
    "lenet": Architecture(LeNet, "sigmoid", fixed_size=32),
    "alexnet": Architecture(AlexNet, "relu"),
    "resnet": Architecture(ResNet, "relu"),
    "vggnet": Architecture(VGGNet, "relu"),
}
MODELS = tuple(ARCHITECTURES)


def get_architecture(name: str) -> Architecture:
    """Return the architecture of that name.

    Raises:
        UserError: there is none of that name.
    """
    if name not in ARCHITECTURES:
        raise unknown("model", name, MODELS)
    return ARCHITECTURES[name]


def create_model(
    name: str,
    num_classes: int = 10,
    dropout: float = 0.0,
    image_size: int = FULL_SIZE,
    init: str = DERIVED,
) -> nn.Module:
    """Build a network with freshly drawn weights.

    Args:
        name: lenet, alexnet, resnet or vggnet.
        num_classes: size of the output, from 2 to 256.
        dropout: probability of dropping a unit, 0 <= dropout < 1.
        image_size: side of the input in pixels, at least 28; LeNet always takes 32.
        init: How weights are drawn: derived (from the activation; biases are zero) or torch
            (PyTorch's defaults).

    Returns:
        A module that takes float (B, 1, S, S) and gives logits float (B, num_classes).

    Raises:
        UserError: unknown name, or an argument out of its range.
    """
    architecture = get_architecture(name)
    if not 0 <= dropout < 1:
        raise UserError(f"dropout = {dropout}: must be at least 0 and less than 1")
    if image_size < MIN_SIZE:
        raise UserError(f"image_size = {image_size}: must be at least {MIN_SIZE} pixels")
    if not 2 <= num_classes <= MAX_CLASSES:
        raise UserError(f"num_classes = {num_classes}: must be from 2 to {MAX_CLASSES}")
    if init not in INITS:
        raise unknown("init", init, INITS)
    model = architecture.build(num_classes=num_classes, dropout=dropout)
    if init == DERIVED:
        _initialise(model, _WEIGHTS[architecture.activation])
    return model


def outline(name: str, num_classes: int = 10) -> nn.Module:
    """Build a network that has shapes, but no memory for its weights: on the meta device.

    Args:
        name: lenet, alexnet, resnet or vggnet.
        num_classes: Size of the output, from 2 to 256.

    Raises:
        UserError: Unknown name, or an argument out of its range.
    """
    with torch.device("meta"):
        return create_model(name, num_classes)


def count_parameters(model: nn.Module) -> int:
    """Return the number of trainable parameters."""
    return sum(p.numel() for p in model.parameters() if p.requires_grad)


def _initialise(model: nn.Module, draw_weights: Callable[[Tensor], object]) -> None:
    layers = [m for m in model.modules() if isinstance(m, nn.Conv2d | nn.Linear)]
    for layer in layers:
        if layer.bias is not None:
            nn.init.zeros_(layer.bias)
        # The last layer feeds a softmax: an activation's gain would make the first loss too large.
        (nn.init.xavier_uniform_ if layer is layers[-1] else draw_weights)(layer.weight)
