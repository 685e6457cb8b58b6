"""The 1,797 digits of scikit-learn, enlarged to the size of MNIST's images."""

import numpy as np
import torch
from numpy.typing import NDArray

from tune_mnist.data.dataset import Dataset
from tune_mnist.data.form import SIDE
from tune_mnist.data.names import DIGITS

SMALL_SIDE = 8
"""Side length of scikit-learn's images in pixels."""
_MAXIMUM = 16
_SEED = 0


def load_digits() -> Dataset:
    """Return scikit-learn's digits in 28x28 pixels; a fixed fifth of each class is the test set.

    Source: Alpaydin, Kaynak, "Optical Recognition of Handwritten Digits", UCI Machine Learning
    Repository, 1998.
    """
    # Imported late: every worker imports this module, but few load this data set.
    from sklearn import datasets
    from sklearn.model_selection import train_test_split

    raw = datasets.load_digits()
    images = enlarged(raw.images.astype(np.float32) / _MAXIMUM * 255)
    labels = raw.target.astype(np.int64)
    train, test = train_test_split(
        np.arange(len(labels)), test_size=0.2, stratify=labels, random_state=_SEED
    )
    parts = images[train], labels[train], images[test], labels[test]
    return Dataset(DIGITS, *parts, fills_image=True)


def enlarged(small: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Enlarge images of 8x8 pixels to 28x28 pixels by bilinear interpolation.

    Args:
        small: Images with pixels from 0 to 255, float32 (N, 8, 8).

    Returns:
        Enlarged images, uint8 (N, 28, 28).
    """
    large = torch.nn.functional.interpolate(
        torch.from_numpy(small)[:, None], size=(SIDE, SIDE), mode="bilinear"
    )
    return large[:, 0].round().clamp(0, 255).to(torch.uint8).numpy()
