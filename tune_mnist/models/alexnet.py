"""AlexNet for one-channel images."""

from torch import Tensor, nn

from tune_mnist.models.pooling import MaxPoolIfLarger


class AlexNet(nn.Module):
    """AlexNet: five convolutions, three dense layers, ReLU and dropout.

    Source: Krizhevsky, Sutskever, Hinton, "ImageNet Classification with Deep Convolutional Neural
    Networks", NeurIPS 2012, section 3.5. One tower instead of two, no local response
    normalisation, and one input channel.

    Args:
        num_classes: size of the output.
        dropout: probability of dropping a unit after each of the two hidden dense layers.

    Shapes:
        input float (B, 1, S, S), S = 224 in the paper's proportions, smaller from 28 on (maps are
        brought to 5x5 before the classifier, which changes nothing at 224); output logits float
        (B, num_classes).
    """

    def __init__(self, num_classes: int = 10, dropout: float = 0.5) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 96, kernel_size=11, stride=4, padding=1),
            nn.ReLU(),
            MaxPoolIfLarger(3, stride=2),
            nn.Conv2d(96, 256, kernel_size=5, padding=2),
            nn.ReLU(),
            MaxPoolIfLarger(3, stride=2),
            nn.Conv2d(256, 384, kernel_size=3, padding=1),
            nn.ReLU(),
            nn.Conv2d(384, 384, kernel_size=3, padding=1),
            nn.ReLU(),
            nn.Conv2d(384, 256, kernel_size=3, padding=1),
            nn.ReLU(),
            MaxPoolIfLarger(3, stride=2),
        )
        self.pool = nn.AdaptiveAvgPool2d(5)
        self.classifier = nn.Sequential(
            nn.Flatten(),
            nn.Linear(256 * 5 * 5, 4096),
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
