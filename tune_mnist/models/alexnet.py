"""AlexNet for grey or RGB images."""

from typing import Annotated

from pydantic import Field
from torch import Tensor, nn

from tune_mnist.models.layers import MaxPoolIfLarger
from tune_mnist.models.registry import register_model


@register_model("alexnet", head="classifier.7")
class AlexNet(nn.Module):
    """AlexNet: five convolutions, three dense layers, ReLU and dropout.

    Source: Krizhevsky, Sutskever, Hinton, "ImageNet Classification with Deep Convolutional Neural
    Networks", NeurIPS 2012, section 3.5. One tower instead of two, no local response
    normalization.

    Args:
        num_classes: Number of classes.
        dropout: Dropout probability after each of the two hidden dense layers.
        in_channels: Number of input channels.
        width: Channels of the first convolution. The other layers scale in proportion.

    Shape:
        - Input: float (B, in_channels, S, S) with S of at least 28, 224 in the paper. The feature
          maps are pooled to 5x5 before the classifier, which is the identity for S = 224.
        - Output: logits, float (B, num_classes).
    """

    def __init__(
        self,
        num_classes: int = 10,
        dropout: float = 0.5,
        in_channels: int = 1,
        width: Annotated[int, Field(ge=3, le=192)] = 96,
    ) -> None:
        super().__init__()
        second, third, dense = 8 * width // 3, 4 * width, 128 * width // 3
        self.features = nn.Sequential(
            nn.Conv2d(in_channels, width, kernel_size=11, stride=4, padding=1),
            nn.ReLU(),
            MaxPoolIfLarger(3, stride=2),
            nn.Conv2d(width, second, kernel_size=5, padding=2),
            nn.ReLU(),
            MaxPoolIfLarger(3, stride=2),
            nn.Conv2d(second, third, kernel_size=3, padding=1),
            nn.ReLU(),
            nn.Conv2d(third, third, kernel_size=3, padding=1),
            nn.ReLU(),
            nn.Conv2d(third, second, kernel_size=3, padding=1),
            nn.ReLU(),
            MaxPoolIfLarger(3, stride=2),
        )
        self.pool = nn.AdaptiveAvgPool2d(5)
        self.classifier = nn.Sequential(
            nn.Flatten(),
            nn.Linear(second * 5 * 5, dense),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(dense, dense),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(dense, num_classes),
        )

    def forward(self, images: Tensor) -> Tensor:
        """Return logits (B, num_classes) for images (B, in_channels, S, S)."""
        logits: Tensor = self.classifier(self.pool(self.features(images)))
        return logits
