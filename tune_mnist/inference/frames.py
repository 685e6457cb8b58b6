"""Frames around a digit, and dark strips beside it, as screenshots and scanners leave them."""

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import find_objects, label

from tune_mnist.inference.brightness import Pixels, edge_of

# Of the picture's shorter side: a thicker frame is not taken for one.
MAX_FRAME = 0.08
MAX_STRIP = 0.15
# Of a side that a strip or frame runs along.
MIN_LENGTH = 0.95
# Of the pixels of a frame or its inside that must be alike.
MOST = 0.9
MAJORITY = 0.6


def without_frame(grey: Pixels) -> Pixels:
    """Cut off a thin frame of one brightness all around, so that it is not taken for the ground.

    Args:
        grey: Brightness (H, W).
    """
    edge = edge_of(grey)
    frame, contrast = float(np.median(edge)), float(np.ptp(grey))
    if np.mean(np.abs(edge - frame) < contrast / 4) < MOST:
        return grey
    for depth in range(1, max(1, round(MAX_FRAME * min(grey.shape))) + 1):
        inside = _inside(grey, depth)
        if min(inside.shape) < 3:
            return grey
        ground = float(np.median(edge_of(inside)))
        if abs(ground - frame) > contrast / 2:
            # Else the frame is the ground, and what it surrounds is a digit that fills the page.
            alike = np.mean(np.abs(inside - ground) < np.abs(inside - frame))
            # The innermost line of the frame may be half covered.
            return _inside(grey, depth + 1) if alike > MAJORITY else grey
    return grey


def strip_along_edge(ink: NDArray[np.bool_]) -> str:
    """Return what runs along the edge and is not part of a digit; empty if nothing does.

    Args:
        ink: Where there is ink (H, W).
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
    """Return whether connected ink is the outline of a rectangle that is most of the picture."""
    height, width = part.shape
    if height < shape[0] / 2 or width < shape[1] / 2:
        return False
    depth = max(1, round(MAX_FRAME * min(part.shape)))
    if min(part.shape) <= 2 * depth:
        return False
    sides = (part[:depth], part[-depth:], part[:, :depth].T, part[:, -depth:].T)
    closed = all(np.mean(side.any(axis=0)) >= MIN_LENGTH for side in sides)
    return closed and not part[depth:-depth, depth:-depth].any()
