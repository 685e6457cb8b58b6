"""Preparation of an image of a digit in the same way as the training images."""

from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from tune_mnist.errors import UserError
from tune_mnist.inference.brightness import WHITE, Pixels, edge_of, read_brightness
from tune_mnist.inference.frames import strip_along_edge, without_frame
from tune_mnist.inference.placing import FAINT, place_centred

MIN_CONTRAST = 16.0
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


def read_picture(
    file: BinaryIO,
    path: Path,
    place: Callable[[Pixels], NDArray[np.uint8]] = place_centred,
) -> tuple[NDArray[np.uint8], str]:
    """Read an image file with one digit and place the digit as in the training images.

    A thin frame is cropped. The background is the median brightness along the edge. The pixels
    that differ most from the background are the ink, that is, the strokes of the digit.

    Args:
        file: Seekable image file in one of PICTURE_FORMATS, of any size, colour depth and
            orientation.
        path: Image path to show in error messages.
        place: Function that crops, scales and places the digit.

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
    if strip := strip_along_edge(ink >= FAINT * WHITE):
        raise UserError(f"{path}: the image shows {strip} beside the digit: crop the image")
    return place(ink), colour


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
