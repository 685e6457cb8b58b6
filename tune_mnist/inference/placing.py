"""Placing of a digit in an image as in the training images."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tune_mnist.data.digits import SMALL_SIDE, enlarged
from tune_mnist.data.form import SIDE
from tune_mnist.inference.brightness import WHITE, Pixels

# MNIST's digits are "size-normalized to fit in a 20x20 pixel box" and moved so that the centre of
# mass is "at the center of the 28x28 field", which is pixel 14 (of 0 to 27) in its files.
BOX = 20
CENTRE = 14

FAINT = 1 / 8
"""Strength, relative to the strongest stroke, below which ink does not count as the digit."""

BLOCK = 4
"""Side length of the blocks of a bitmap that became the pixels of scikit-learn's digits."""


def place_centred(ink: Pixels) -> NDArray[np.uint8]:
    """Scale a digit to fit into 20x20 pixels and centre it by its mass, like MNIST's.

    Source: LeCun, Cortes, Burges, "The MNIST database of handwritten digits",
    http://yann.lecun.com/exdb/mnist/.

    Args:
        ink: Strength of the ink from 0 to 255, float32 (H, W).

    Returns:
        Image with a light digit on a dark background, uint8 (28, 28).
    """
    digit = _fit(ink, BOX)
    top, left = (_offset(digit.sum(axis=1 - axis)) for axis in (0, 1))
    image: NDArray[np.uint8] = _pasted(digit, top, left, SIDE).round().astype(np.uint8)
    return image


def place_filling(ink: Pixels) -> NDArray[np.uint8]:
    """Scale a digit to fill the image, like scikit-learn's digits.

    These are bitmaps of 32x32 pixels reduced to 8x8 by counting the ink in blocks of 4x4 pixels.
    Training enlarges them to 28x28 pixels. Source: Alpaydin, Kaynak, "Optical Recognition of
    Handwritten Digits", UCI Machine Learning Repository, 1998.

    Args:
        ink: Strength of the ink from 0 to 255, float32 (H, W).

    Returns:
        Image with a light digit on a dark background, uint8 (28, 28).
    """
    side = SMALL_SIDE * BLOCK
    digit = _fit(ink, side)
    height, width = digit.shape
    bitmap = _pasted(digit, (side - height) // 2, (side - width) // 2, side)
    small = bitmap.reshape(SMALL_SIDE, BLOCK, SMALL_SIDE, BLOCK).mean(axis=(1, 3))
    image: NDArray[np.uint8] = enlarged((small * (WHITE / small.max()))[np.newaxis])[0]
    return image


def _fit(ink: Pixels, box: int) -> Pixels:
    """Crop the digit and scale its longer side to ``box`` pixels and its maximum to white."""
    seen = ink >= FAINT * WHITE
    rows, columns = np.flatnonzero(seen.any(axis=1)), np.flatnonzero(seen.any(axis=0))
    digit = ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    scale = box / max(digit.shape)
    height, width = (max(1, round(side * scale)) for side in digit.shape)
    resized = Image.fromarray(digit).resize((width, height), Image.Resampling.BICUBIC)
    fitted = np.asarray(resized).clip(min=0)
    # Thin strokes fade when they are scaled down, but those of the training images are white.
    scaled: Pixels = fitted * (WHITE / fitted.max())
    return scaled


def _pasted(digit: Pixels, top: int, left: int, side: int) -> Pixels:
    """Place the digit in a dark square image."""
    image = np.zeros((side, side), dtype=np.float32)
    height, width = digit.shape
    image[top : top + height, left : left + width] = digit
    return image


def _offset(mass: Pixels) -> int:
    """Return the first pixel of the digit along an axis, given its mass along the axis."""
    centre = float(np.average(np.arange(len(mass)), weights=mass))
    return min(max(round(CENTRE - centre), 0), SIDE - len(mass))
