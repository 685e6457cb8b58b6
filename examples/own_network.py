"""Run a search over the width and depth of your own network.

Run one of these commands in the root of the repository. The first searches MNIST (8 trials), the
second scikit-learn's digits (4 trials, less than a minute on two cores). Both write to results/:

    python -m tune_mnist.search --space examples/own_network.yaml --models examples/own_network.py
    python examples/own_network.py
"""

from argparse import SUPPRESS, ArgumentParser, RawDescriptionHelpFormatter
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field
from torch import Tensor, nn

from tune_mnist import register_model, run_search


@register_model("my-cnn", head="classifier")
class MyCNN(nn.Module):
    """Small CNN: blocks of convolution, normalization and pooling, followed by a dense layer.

    Every network must accept the keyword arguments ``num_classes`` and ``in_channels``, and may
    accept ``dropout``. You are free to add others, which can be searched as ``model.<keyword>``.

    Args:
        num_classes: Number of classes.
        in_channels: Number of input channels.
        dropout: Dropout probability before the classifier.
        width: Number of channels of the first block. Each further block has twice as many.
        depth: Number of blocks.
        norm: Normalization after each convolution, ``none`` or ``batch``.

    Shape:
        - Input: float (B, in_channels, S, S).
        - Output: logits, float (B, num_classes).
    """

    def __init__(
        self,
        num_classes: int,
        in_channels: int,
        dropout: float = 0.0,
        width: Annotated[int, Field(ge=2, le=64)] = 8,
        depth: Annotated[int, Field(ge=1, le=4)] = 2,
        norm: Literal["none", "batch"] = "batch",
    ) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        before = in_channels
        for block in range(depth):
            after = width * 2**block
            layers.append(nn.Conv2d(before, after, 3, padding=1))
            layers += [nn.BatchNorm2d(after)] if norm == "batch" else []
            layers += [nn.ReLU(), nn.MaxPool2d(2)]
            before = after
        self.features = nn.Sequential(*layers)
        self.pool = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(dropout))
        self.classifier = nn.Linear(before, num_classes)

    def forward(self, images: Tensor) -> Tensor:
        """Return logits (B, num_classes) for images (B, in_channels, S, S)."""
        logits: Tensor = self.classifier(self.pool(self.features(images)))
        return logits


if __name__ == "__main__":
    # `--help` prints the text above. Any other argument is an error.
    ArgumentParser(
        description=__doc__, usage=SUPPRESS, formatter_class=RawDescriptionHelpFormatter
    ).parse_args()
    results = run_search(
        space=Path(__file__).with_suffix(".yaml"),
        dataset="digits",
        num_samples=4,  # number of trials
        max_epochs=3,  # maximum epochs per trial
        final_seeds=1,  # final runs of the best configuration, evaluated on the test set
    )
    print(results.best["my-cnn"].config)
    print(f"open {results.directory / 'report.html'}")
