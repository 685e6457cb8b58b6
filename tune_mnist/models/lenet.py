"""LeNet-5 for grey or RGB images."""

from typing import Annotated, Literal

from pydantic import Field
from torch import Tensor, nn

from tune_mnist.models.registry import register_model

_ACTIVATIONS = {"sigmoid": nn.Sigmoid, "tanh": nn.Tanh, "relu": nn.ReLU}
_POOLING = {"avg": nn.AvgPool2d, "max": nn.MaxPool2d}


@register_model(
    "lenet", head="classifier.6", activation="sigmoid", fixed_size=32, light=True, cpu_probe=32
)
class LeNet(nn.Module):
    """LeNet-5: two 5x5 convolutions and three dense layers.

    Source: LeCun, Bottou, Bengio, Haffner, "Gradient-Based Learning Applied to Document
    Recognition", Proceedings of the IEEE, 1998, section II.B. As in most later implementations,
    the trainable pooling, the partial connections of C3 and the radial basis output are omitted.

    Args:
        num_classes: Number of classes.
        dropout: Dropout probability before the last layer.
        in_channels: Number of input channels.
        activation: Activation after each hidden layer.
        pooling: Average or maximum pooling of 2x2 windows.
        width: Channels of the first convolution. The other layers scale in proportion.

    Shape:
        - Input: float (B, in_channels, 32, 32).
        - Output: logits, float (B, num_classes).
    """

    def __init__(
        self,
        num_classes: int = 10,
        dropout: float = 0.0,
        in_channels: int = 1,
        activation: Literal["sigmoid", "tanh", "relu"] = "sigmoid",
        pooling: Literal["avg", "max"] = "avg",
        width: Annotated[int, Field(ge=1, le=64)] = 6,
    ) -> None:
        super().__init__()
        function, pool = _ACTIVATIONS[activation], _POOLING[pooling]
        second, third, fourth = 8 * width // 3, 20 * width, 14 * width
        self.features = nn.Sequential(
            nn.Conv2d(in_channels, width, kernel_size=5),
            function(),
            pool(2),
            nn.Conv2d(width, second, kernel_size=5),
            function(),
            pool(2),
        )
        self.classifier = nn.Sequential(
            nn.Flatten(),
            nn.Linear(second * 5 * 5, third),
            function(),
            nn.Linear(third, fourth),
            function(),
            nn.Dropout(dropout),
            nn.Linear(fourth, num_classes),
        )

    def forward(self, images: Tensor) -> Tensor:
        """Return logits (B, num_classes) for images (B, in_channels, 32, 32)."""
        logits: Tensor = self.classifier(self.features(images))
        return logits
