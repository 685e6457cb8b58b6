"""The model factory: a name in, a freshly initialised network out."""

from collections.abc import Callable
from dataclasses import dataclass

from torch import nn

from tune_mnist.errors import UserError, unknown
from tune_mnist.models.alexnet import AlexNet
from tune_mnist.models.lenet import LeNet
from tune_mnist.models.resnet import ResNet
from tune_mnist.models.vggnet import VGGNet

FULL_SIZE = 224
MIN_SIZE = 28
# Beyond, enlarged digits show nothing new, and one batch of them fills a large memory.
MAX_SIZE = 1024


@dataclass(frozen=True)
class Architecture:
    """What the factory and the data pipeline must know of one architecture.

    Attributes:
        build: the network's class, called with num_classes and dropout.
        init: draws a convolution's or dense layer's weights in place.
        fixed_size: side of the only input the network takes, in pixels (digits are padded with
            zeros to it); None if it takes any side from 28 on (digits are resized to it).
    """

    build: Callable[..., nn.Module]
    init: Callable[..., object]
    fixed_size: int | None = None

    def input_size(self, image_size: int) -> int:
        """Return the side in pixels of the input when ``image_size`` was asked for."""
        return self.fixed_size or image_size


# Xavier for sigmoids (Glorot, Bengio, AISTATS 2010), Kaiming for ReLUs (He et al., ICCV 2015):
# with PyTorch's default, LeNet's sigmoids and VGG without batch norm stay at chance for epochs.
ARCHITECTURES = {
    "lenet": Architecture(LeNet, nn.init.xavier_uniform_, fixed_size=32),
    "alexnet": Architecture(AlexNet, nn.init.kaiming_normal_),
    "resnet": Architecture(ResNet, nn.init.kaiming_normal_),
    "vggnet": Architecture(VGGNet, nn.init.kaiming_normal_),
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
    name: str, num_classes: int = 10, dropout: float = 0.0, image_size: int = FULL_SIZE
) -> nn.Module:
    """Build a network with freshly drawn weights.

    Args:
        name: lenet, alexnet, resnet or vggnet.
        num_classes: size of the output.
        dropout: probability of dropping a unit, 0 <= dropout < 1.
        image_size: side of the input in pixels, at least 28; LeNet always takes 32.

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
    if num_classes < 2:
        raise UserError(f"num_classes = {num_classes}: must be at least 2")
    model = architecture.build(num_classes=num_classes, dropout=dropout)
    _initialise(model, architecture.init)
    return model


def count_parameters(model: nn.Module) -> int:
    """Return the number of trainable parameters."""
    return sum(p.numel() for p in model.parameters() if p.requires_grad)


def _initialise(model: nn.Module, init: Callable[..., object]) -> None:
    layers = [m for m in model.modules() if isinstance(m, nn.Conv2d | nn.Linear)]
    for layer in layers:
        if layer.bias is not None:
            nn.init.zeros_(layer.bias)
        # The last layer feeds a softmax, not a ReLU: Kaiming's gain would start it too loud.
        (nn.init.xavier_uniform_ if layer is layers[-1] else init)(layer.weight)
