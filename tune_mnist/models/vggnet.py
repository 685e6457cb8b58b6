"""VGG-11, 13 and 16 for grey or RGB images."""

from typing import Annotated, Literal

from pydantic import Field
from torch import Tensor, nn

from tune_mnist.models.layers import BatchNorm, MaxPoolIfLarger
from tune_mnist.models.registry import register_model

CONVOLUTIONS = {11: (1, 1, 2, 2, 2), 13: (2, 2, 2, 2, 2), 16: (2, 2, 3, 3, 3)}
"""Number of convolutions in each block, by depth."""


# VGG takes five times as long per image as the other networks.
@register_model("vggnet", head="classifier.7", cpu_probe=4)
class VGGNet(nn.Module):
    """VGG: five blocks of 3x3 convolutions, three dense layers, ReLU and dropout.

    Source: Simonyan, Zisserman, "Very Deep Convolutional Networks for Large-Scale Image
    Recognition", ICLR 2015, table 1, configurations A, B and D.

    Args:
        num_classes: Number of classes.
        dropout: Dropout probability after each of the two hidden dense layers.
        in_channels: Number of input channels.
        depth: Number of layers with weights.
        batch_norm: Whether batch norm follows each convolution.
        width: Channels of the first block. The other layers scale in proportion.

    Shape:
        - Input: float (B, in_channels, S, S) with S of at least 28, 224 in the paper. The feature
          maps are pooled to 7x7 before the classifier, which is the identity for S = 224.
        - Output: logits, float (B, num_classes).
    """

    def __init__(
        self,
        num_classes: int = 10,
        dropout: float = 0.5,
        in_channels: int = 1,
        depth: Literal[11, 13, 16] = 11,
        batch_norm: bool = False,
        width: Annotated[int, Field(ge=2, le=128)] = 64,
    ) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        before = in_channels
        for convolutions, factor in zip(CONVOLUTIONS[depth], (1, 2, 4, 8, 8), strict=True):
            for _ in range(convolutions):
                after = factor * width
                layers.append(nn.Conv2d(before, after, kernel_size=3, padding=1))
                layers += [BatchNorm(after)] if batch_norm else []
                layers.append(nn.ReLU())
                before = after
            layers.append(MaxPoolIfLarger(2, stride=2))
        self.features = nn.Sequential(*layers)
        self.pool = nn.AdaptiveAvgPool2d(7)
        self.classifier = nn.Sequential(
            nn.Flatten(),
            nn.Linear(8 * width * 7 * 7, 64 * width),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(64 * width, 64 * width),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(64 * width, num_classes),
        )

    def forward(self, images: Tensor) -> Tensor:
        """Return logits (B, num_classes) for images (B, in_channels, S, S)."""
        logits: Tensor = self.classifier(self.pool(self.features(images)))
        return logits
