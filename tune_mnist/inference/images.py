"""Preparation of an image of a digit in the same way as the images of MNIST."""

from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tune_mnist.data.form import SIDE
from tune_mnist.errors import UserError
from tune_mnist.inference.brightness import WHITE, Pixels, edge_of, read_brightness
from tune_mnist.inference.frames import strip_along_edge, without_frame

# MNIST's digits are "size-normalized to fit in a 20x20 pixel box" and moved so that the centre of
# mass is "at the center of the 28x28 field", which is pixel 14 (of 0 to 27) in its files.
BOX = 20
CENTRE = 14

MIN_CONTRAST = 16.0
FAINT = 1 / 8
"""Strength, relative to the strongest stroke, below which ink does not count as the digit."""

NOISE = 7.5
"""Noise threshold in median absolute deviations, which equals five standard deviations.

The median is used because ink that touches the edge hardly changes it.
"""

MIN_SIGNAL = 6.0
"""Minimum contrast in standard deviations of the noise. A megapixel of pure noise reaches 5."""

MIN_PIXELS = 64 * 64
"""Minimum size for estimating the noise. In smaller images, strokes dominate the differences."""

# Median absolute difference of two normal random numbers, in standard deviations.
_MEDIAN_DIFFERENCE = 0.954

DARK, LIGHT = "dark", "light"


def read_picture(file: BinaryIO, path: Path) -> tuple[NDArray[np.uint8], str]:
    """Read an image file with one digit and prepare the digit in the same way as MNIST's.

    A thin frame is cropped. The background is the median brightness along the edge. The pixels
    that differ most from the background are the ink, that is, the strokes of the digit. The digit
    is cropped, scaled to fit into 20x20 pixels and placed in 28x28 pixels with its centre of mass
    in the middle.

    Source: LeCun, Cortes, Burges, "The MNIST database of handwritten digits",
    http://yann.lecun.com/exdb/mnist/.

    Args:
        file: Seekable image file in one of PICTURE_FORMATS, of any size, colour depth and
            orientation.
        path: Image path to show in error messages.

    Returns:
        Image with a light digit on a dark background, uint8 (28, 28), and the colour of the ink in
        the file, ``"dark"`` or ``"light"``.

    Raises:
        UserError: The file is not an image, is damaged or too large, or does not show a single
            digit.
    """
    grey = without_frame(read_brightness(file, path))
    if np.ptp(grey) < MIN_CONTRAST:
        raise UserError(f"{path}: the image shows no digit, as its brightness is almost uniform")
    ink, colour, strength = _ink(grey)
    if strength < MIN_SIGNAL * _noise(grey):
        raise UserError(f"{path}: the image shows no digit that stands out from the noise")
    if place := strip_along_edge(ink >= FAINT * WHITE):
        raise UserError(f"{path}: the image shows {place} beside the digit: crop the image")
    return _centre(_fit(ink)), colour


def _noise(grey: Pixels) -> float:
    """Estimate the standard deviation of the noise from differences of neighbouring pixels."""
    if grey.size < MIN_PIXELS:
        return 0.0
    differences = np.abs(np.diff(grey, axis=int(grey.shape[1] > grey.shape[0])))
    return float(np.median(differences)) / _MEDIAN_DIFFERENCE


def _ink(grey: Pixels) -> tuple[Pixels, str, float]:
    """Separate the ink, the strokes of the digit, from the background.

    Returns:
        Strength of the ink from 0 to 255, float32 (H, W); its colour, ``"dark"`` or ``"light"``;
        and its maximum difference from the background in brightness.
    """
    edge = edge_of(grey)
    ground = float(np.median(edge))
    unevenness = float(np.median(np.abs(edge - ground)))
    darker, lighter = ground - float(grey.min()), float(grey.max()) - ground
    colour, most = (DARK, darker) if darker > lighter else (LIGHT, lighter)
    ink = ground - grey if colour == DARK else grey - ground
    # Photographed paper is unevenly lit, but at least half the maximum strength is always ink.
    ink[ink <= min(NOISE * unevenness, most / 2)] = 0
    return (ink * (WHITE / most)).astype(np.float32), colour, most


def _fit(ink: Pixels) -> Pixels:
    """Crop the digit and scale its longer side to BOX pixels and its strongest stroke to white."""
    seen = ink >= FAINT * WHITE
    rows, columns = np.flatnonzero(seen.any(axis=1)), np.flatnonzero(seen.any(axis=0))
    digit = ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    scale = BOX / max(digit.shape)
    height, width = (max(1, round(side * scale)) for side in digit.shape)
    resized = Image.fromarray(digit).resize((width, height), Image.Resampling.BICUBIC)
    fitted = np.asarray(resized).clip(min=0)
    # Thin strokes fade when they are scaled down, but those of MNIST are white.
    scaled: Pixels = fitted * (WHITE / fitted.max())
    return scaled


def _centre(digit: Pixels) -> NDArray[np.uint8]:
    """Place the digit in an image with its centre of mass in the middle."""
    image = np.zeros((SIDE, SIDE), dtype=np.uint8)
    top, left = (_offset(digit.sum(axis=1 - axis)) for axis in (0, 1))
    height, width = digit.shape
    image[top : top + height, left : left + width] = digit.round()
    return image


def _offset(mass: Pixels) -> int:
    """Return the first pixel of the digit along an axis, given its mass along the axis."""
    centre = float(np.average(np.arange(len(mass)), weights=mass))
    return min(max(round(CENTRE - centre), 0), SIDE - len(mass))
