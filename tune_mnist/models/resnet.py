"""ResNet-18 for grey or RGB images."""

from itertools import pairwise
from typing import Annotated

from pydantic import Field
from torch import Tensor, nn
from torch.nn.functional import relu

from tune_mnist.models.layers import BatchNorm
from tune_mnist.models.registry import register_model


class Residual(nn.Module):
    """Basic residual block: two 3x3 convolutions with batch norm, and a shortcut.

    Source: He, Zhang, Ren, Sun, "Deep Residual Learning for Image Recognition", CVPR 2016,
    section 3.2 and figure 5 (left). Unlike there, convolutions have a bias, and the projection
    shortcut is a 1x1 convolution without batch norm.

    Args:
        in_channels: Number of input channels.
        out_channels: Number of output channels.
        stride: Stride of the first convolution and of the shortcut.

    Shape:
        - Input: float (B, in_channels, H, W).
        - Output: float (B, out_channels, H/stride, W/stride).
    """

    def __init__(self, in_channels: int, out_channels: int, stride: int = 1) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, stride=stride, padding=1)
        self.norm1 = BatchNorm(out_channels)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, padding=1)
        self.norm2 = BatchNorm(out_channels)
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or in_channels != out_channels:
            self.shortcut = nn.Conv2d(in_channels, out_channels, 1, stride=stride)

    def forward(self, maps: Tensor) -> Tensor:
        """Return the output of the block."""
        inner = relu(self.norm1(self.conv1(maps)))
        return relu(self.norm2(self.conv2(inner)) + self.shortcut(maps))


@register_model("resnet", head="classifier.3")
class ResNet(nn.Module):
    """ResNet-18: a 7x7 stem, eight residual blocks in four stages, global average pooling.

    Source: He, Zhang, Ren, Sun, "Deep Residual Learning for Image Recognition", CVPR 2016,
    table 1 (18-layer).

    Args:
        num_classes: Number of classes.
        dropout: Dropout probability before the last layer.
        in_channels: Number of input channels.
        width: Channels of the stem and the first stage. Each further stage doubles them.
        blocks: Number of residual blocks in each of the four stages.

    Shape:
        - Input: float (B, in_channels, S, S) with S of at least 28, 224 in the paper.
        - Output: logits, float (B, num_classes).
    """

    def __init__(
        self,
        num_classes: int = 10,
        dropout: float = 0.0,
        in_channels: int = 1,
        width: Annotated[int, Field(ge=4, le=128)] = 64,
        blocks: Annotated[int, Field(ge=1, le=6)] = 2,
    ) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(in_channels, width, kernel_size=7, stride=2, padding=3),
            BatchNorm(width),
            nn.ReLU(),
            nn.MaxPool2d(3, stride=2, padding=1),
        )
        widths = [width, width, 2 * width, 4 * width, 8 * width]
        self.stages = nn.Sequential(
            *(
                nn.Sequential(
                    Residual(before, after, stride=1 if before == after else 2),
                    *(Residual(after, after) for _ in range(blocks - 1)),
                )
                for before, after in pairwise(widths)
            )
        )
        self.classifier = nn.Sequential(
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            nn.Dropout(dropout),
            nn.Linear(8 * width, num_classes),
        )

    def forward(self, images: Tensor) -> Tensor:
        """Return logits (B, num_classes) for images (B, in_channels, S, S)."""
        logits: Tensor = self.classifier(self.stages(self.stem(images)))
        return logits
