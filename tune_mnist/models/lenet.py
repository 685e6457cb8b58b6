"""LeNet-5, the small one of the four."""

from torch import Tensor, nn


class LeNet(nn.Module):
    """LeNet-5: two 5x5 convolutions and three dense layers, with sigmoids and average pooling.

    Source: LeCun, Bottou, Bengio, Haffner, "Gradient-Based Learning Applied to Document
    Recognition", Proceedings of the IEEE, 1998, section II.B. The trainable pooling, the partial
    connections of C3 and the radial output of the paper are left out, as is usual since.

    Args:
        num_classes: size of the output.
        dropout: probability of dropping a unit before the classifier (the last layer).

    Shapes:
        input float (B, 1, 32, 32); output logits float (B, num_classes).
    """

    def __init__(self, num_classes: int = 10, dropout: float = 0.0) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 6, kernel_size=5),
            nn.Sigmoid(),
            nn.AvgPool2d(2),
            nn.Conv2d(6, 16, kernel_size=5),
            nn.Sigmoid(),
            nn.AvgPool2d(2),
        )
        self.classifier = nn.Sequential(
            nn.Flatten(),
            nn.Linear(16 * 5 * 5, 120),
            nn.Sigmoid(),
            nn.Linear(120, 84),
            nn.Sigmoid(),
            nn.Dropout(dropout),
            nn.Linear(84, num_classes),
        )

    def forward(self, images: Tensor) -> Tensor:
        """Return logits (B, num_classes) for images (B, 1, 32, 32)."""
        logits: Tensor = self.classifier(self.features(images))
        return logits
