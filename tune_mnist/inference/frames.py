"""Removal and detection of frames and strips at the edge of an image.

Screenshots have frames around the digit, and scans have dark strips along an edge.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import find_objects, label

from tune_mnist.inference.brightness import Pixels, edge_of

MAX_FRAME = 0.08
"""Maximum thickness of a frame as a fraction of the shorter side."""

MAX_STRIP = 0.15
"""Maximum thickness of a strip as a fraction of the side perpendicular to the strip."""

MIN_LENGTH = 0.95
"""Minimum length of a strip or of the sides of a frame as a fraction of the image's side."""

MIN_UNIFORM = 0.9
"""Minimum fraction of the edge pixels with the brightness of the frame."""

MIN_BACKGROUND = 0.6
"""Minimum fraction of the pixels inside a frame that are closer to the background's brightness."""


def without_frame(grey: Pixels) -> Pixels:
    """Crop a thin frame of uniform brightness, as it would be mistaken for the background.

    Args:
        grey: Brightness of the image, float32 (H, W).

    Returns:
        Brightness inside the frame, or ``grey`` unchanged if there is no frame.
    """
    edge = edge_of(grey)
    frame, contrast = float(np.median(edge)), float(np.ptp(grey))
    if np.mean(np.abs(edge - frame) < contrast / 4) < MIN_UNIFORM:
        return grey
    for depth in range(1, max(1, round(MAX_FRAME * min(grey.shape))) + 1):
        inside = _inside(grey, depth)
        if min(inside.shape) < 3:
            return grey
        ground = float(np.median(edge_of(inside)))
        if abs(ground - frame) > contrast / 2:
            # Otherwise the supposed frame is the background around a digit that fills the image.
            alike = np.mean(np.abs(inside - ground) < np.abs(inside - frame))
            # The innermost pixels of a frame may be blurred, so one more is cropped.
            return _inside(grey, depth + 1) if alike > MIN_BACKGROUND else grey
    return grey


def strip_along_edge(ink: NDArray[np.bool_]) -> str:
    """Describe a strip or frame along the edge of an image, for an error message.

    Args:
        ink: Mask of the pixels that are ink, bool (H, W).

    Returns:
        Description such as "a frame", or an empty string if there is neither a strip nor a frame.
    """
    height, width = ink.shape
    labels, count = label(ink, structure=np.ones((3, 3)))
    for number, (rows, columns) in enumerate(find_objects(labels), start=1):
        tall = rows.stop - rows.start >= MIN_LENGTH * height
        wide = columns.stop - columns.start >= MIN_LENGTH * width
        if tall and columns.stop - columns.start <= MAX_STRIP * width:
            if columns.start == 0 or columns.stop == width:
                return f"a strip along its {'left' if columns.start == 0 else 'right'} side"
        elif wide and rows.stop - rows.start <= MAX_STRIP * height:
            if rows.start == 0 or rows.stop == height:
                return f"a strip along its {'upper' if rows.start == 0 else 'lower'} side"
        elif count > 1 and _is_frame(labels[rows, columns] == number, ink.shape):
            return "a frame"
    return ""


def _inside(pixels: Pixels, depth: int) -> Pixels:
    return pixels[depth:-depth, depth:-depth]


def _is_frame(part: NDArray[np.bool_], shape: tuple[int, ...]) -> bool:
    """Return whether a connected component is the outline of a rectangle of at least half size."""
    height, width = part.shape
    if height < shape[0] / 2 or width < shape[1] / 2:
        return False
    depth = max(1, round(MAX_FRAME * min(part.shape)))
    if min(part.shape) <= 2 * depth:
        return False
    sides = (part[:depth], part[-depth:], part[:, :depth].T, part[:, -depth:].T)
    closed = all(np.mean(side.any(axis=0)) >= MIN_LENGTH for side in sides)
    return closed and not part[depth:-depth, depth:-depth].any()
