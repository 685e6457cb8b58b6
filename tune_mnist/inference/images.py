"""A picture of a digit, made into an image such as MNIST has them."""

from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tune_mnist.data.form import SIDE
from tune_mnist.errors import UserError
from tune_mnist.inference.brightness import WHITE, Pixels, edge_of, read_brightness
from tune_mnist.inference.frames import strip_along_edge, without_frame

# MNIST: "size-normalized to fit in a 20x20 pixel box", then moved so that the centre of mass is
# "at the center of the 28x28 field", which is pixel 14 of 0 to 27 in its files.
BOX = 20
CENTRE = 14

MIN_CONTRAST = 16.0
# What is fainter than this share of the strongest stroke does not count for the digit's extent.
FAINT = 1 / 8
# Five standard deviations of noise, in terms of the median deviation, which ink that touches the
# edge does not change.
NOISE = 7.5
# In standard deviations of the noise between neighbouring pixels: a megapixel of noise alone
# reaches five. In fewer pixels than these, neighbours may differ because of a digit.
MIN_SIGNAL = 6.0
MIN_PIXELS = 64 * 64
# The median difference of two normal numbers, in standard deviations.
_MEDIAN_DIFFERENCE = 0.954

DARK, LIGHT = "dark", "light"


def read_picture(file: BinaryIO, path: Path) -> tuple[NDArray[np.uint8], str]:
    """Read a picture of one digit and prepare it as MNIST's images were.

    The ground is what the picture's edge mostly shows, within a thin frame if there is one; the
    ink is what differs most from it. The digit is cut out, scaled to fit a box of 20x20 pixels,
    and placed in 28x28 with its centre of mass in the middle. Source: LeCun, Cortes, Burges, "The
    MNIST database of handwritten digits", http://yann.lecun.com/exdb/mnist/.

    Args:
        file: Any of FORMATS, any size; colour, transparency and the orientation that a camera
            notes are seen to. Must be seekable.
        path: Names it in errors.

    Returns:
        uint8 (28, 28), light on dark; and whether the ink was ``dark`` or ``light``.

    Raises:
        UserError: the file is damaged, no picture, too large, or shows nothing, or not a digit
            alone.
    """
    grey = without_frame(read_brightness(file, path))
    if np.ptp(grey) < MIN_CONTRAST:
        raise UserError(f"{path}: shows no digit: all of it is of about the same brightness")
    ink, colour, strength = _ink(grey)
    if strength < MIN_SIGNAL * _noise(grey):
        raise UserError(f"{path}: shows no digit: nothing stands out of the noise")
    if place := strip_along_edge(ink >= FAINT * WHITE):
        raise UserError(f"{path}: shows {place} beside the digit: cut it off")
    return _centre(_fit(ink)), colour


def _noise(grey: Pixels) -> float:
    """Return the standard deviation of the noise, as neighbouring pixels show it."""
    if grey.size < MIN_PIXELS:
        return 0.0
    differences = np.abs(np.diff(grey, axis=int(grey.shape[1] > grey.shape[0])))
    return float(np.median(differences)) / _MEDIAN_DIFFERENCE


def _ink(grey: Pixels) -> tuple[Pixels, str, float]:
    """Separate the ink from the ground.

    Returns:
        How much ink there is (H, W), from 0 to 255; whether it is dark or light; and its largest
        difference from the ground, in brightness.
    """
    edge = edge_of(grey)
    ground = float(np.median(edge))
    unevenness = float(np.median(np.abs(edge - ground)))
    darker, lighter = ground - float(grey.min()), float(grey.max()) - ground
    colour, most = (DARK, darker) if darker > lighter else (LIGHT, lighter)
    ink = ground - grey if colour == DARK else grey - ground
    # Paper in a photograph is not even; half of the ink's strength is ink in any case.
    ink[ink <= min(NOISE * unevenness, most / 2)] = 0
    return (ink * (WHITE / most)).astype(np.float32), colour, most


def _fit(ink: Pixels) -> Pixels:
    """Return the digit alone, its longer side BOX pixels, its strongest stroke white."""
    seen = ink >= FAINT * WHITE
    rows, columns = np.flatnonzero(seen.any(axis=1)), np.flatnonzero(seen.any(axis=0))
    digit = ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    scale = BOX / max(digit.shape)
    height, width = (max(1, round(side * scale)) for side in digit.shape)
    resized = Image.fromarray(digit).resize((width, height), Image.Resampling.BICUBIC)
    fitted = np.asarray(resized).clip(min=0)
    # Thin strokes fade when they shrink; MNIST's are white.
    scaled: Pixels = fitted * (WHITE / fitted.max())
    return scaled


def _centre(digit: Pixels) -> NDArray[np.uint8]:
    """Return the digit in the middle of an image, by its centre of mass."""
    image = np.zeros((SIDE, SIDE), dtype=np.uint8)
    top, left = (_offset(digit.sum(axis=1 - axis)) for axis in (0, 1))
    height, width = digit.shape
    image[top : top + height, left : left + width] = digit.round()
    return image


def _offset(mass: Pixels) -> int:
    """Return where the digit begins along an axis, given its mass along it."""
    centre = float(np.average(np.arange(len(mass)), weights=mass))
    return min(max(round(CENTRE - centre), 0), SIDE - len(mass))
