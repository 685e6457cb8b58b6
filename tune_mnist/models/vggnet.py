"""VGG-11 for one-channel images."""

from torch import Tensor, nn

from tune_mnist.models.pooling import MaxPoolIfLarger

BLOCKS = ((1, 64), (1, 128), (2, 256), (2, 512), (2, 512))


class VGGNet(nn.Module):
    """VGG-11: five blocks of 3x3 convolutions, three dense layers, ReLU and dropout.

    Source: Simonyan, Zisserman, "Very Deep Convolutional Networks for Large-Scale Image
    Recognition", ICLR 2015, table 1, configuration A; one input channel.

    Args:
        num_classes: size of the output.
        dropout: probability of dropping a unit after each of the two hidden dense layers.

    Shapes:
        input float (B, 1, S, S), S = 224 in the paper, smaller from 28 on (maps are brought to
        7x7 before the classifier, which changes nothing at 224); output logits float
        (B, num_classes).
    """

    def __init__(self, num_classes: int = 10, dropout: float = 0.5) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        channels = 1
        for convolutions, width in BLOCKS:
            for _ in range(convolutions):
                layers += [nn.Conv2d(channels, width, kernel_size=3, padding=1), nn.ReLU()]
                channels = width
            layers.append(MaxPoolIfLarger(2, stride=2))
        self.features = nn.Sequential(*layers)
        self.pool = nn.AdaptiveAvgPool2d(7)
        self.classifier = nn.Sequential(
            nn.Flatten(),
            nn.Linear(512 * 7 * 7, 4096),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(4096, 4096),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(4096, num_classes),
        )

    def forward(self, images: Tensor) -> Tensor:
        """Return logits (B, num_classes) for images (B, 1, S, S)."""
        logits: Tensor = self.classifier(self.pool(self.features(images)))
        return logits
