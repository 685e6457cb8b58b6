"""Conversion of images of any colour depth and transparency to brightness."""

from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tune_mnist.data.picture_file import decoded, picture_errors

WORKING_SIDE = 1024
WHITE = 255.0
# Below this range of values, WHITE / range overflows float32.
_MIN_REACH = 1e-30

Pixels = NDArray[np.float32]


def read_brightness(file: BinaryIO, path: Path) -> Pixels:
    """Decode an image file and convert the image to brightness.

    Args:
        file: Seekable image file.
        path: Image path to show in error messages.

    Returns:
        Brightness of the upright image from 0 to 255, float32 (H, W). Large images are reduced to
        WORKING_SIDE pixels per side, and transparent pixels are filled. 255 stands for white if
        the image has 8 bits per channel, and otherwise for its brightest pixel.

    Raises:
        UserError: The file is not an image, is damaged or is too large.
    """
    with picture_errors(path, ", nor an IDX file of images"):
        return _brightness(decoded(file, WORKING_SIDE))


def _brightness(image: Image.Image) -> Pixels:
    if image.mode.startswith(("I", "F")):
        small = Image.fromarray(_spread(np.array(image, dtype=np.float32)))
        return np.asarray(_reduced(small))
    if image.mode in ("LA", "La", "PA", "RGBA", "RGBa") or "transparency" in image.info:
        return _opaque(_reduced(image if image.mode == "RGBA" else image.convert("RGBA")))
    # Pillow cannot convert CIELAB, but its first channel is the brightness.
    grey = image.getchannel("L") if image.mode == "LAB" else image.convert("L")
    return np.asarray(_reduced(grey), dtype=np.float32)


def _reduced(image: Image.Image) -> Image.Image:
    """Reduce an image in place to at most WORKING_SIDE pixels per side."""
    image.thumbnail((WORKING_SIDE, WORKING_SIDE), Image.Resampling.BOX)
    return image


def _spread(deep: Pixels) -> Pixels:
    """Scale an image of more than 8 bits per channel in place to 0..255, keeping black at 0."""
    low, high = float(deep.min()), float(deep.max())
    if not np.isfinite([low, high]).all():
        raise ValueError("its pixels contain NaN or infinite values")
    # Including 0 keeps the contrast of an empty page low.
    low, high = min(0.0, low), max(0.0, high)
    reach = high - low
    scale = WHITE / reach if reach > _MIN_REACH else 0.0
    deep *= np.float32(scale)
    deep -= np.float32(low * scale)
    return deep


def _opaque(image: Image.Image) -> Pixels:
    """Return the brightness of a transparent image on a suitable background."""
    grey = np.asarray(image.convert("L"), dtype=np.float32)
    alpha = np.asarray(image.getchannel("A"), dtype=np.float32) / np.float32(WHITE)
    if alpha.max() == 0:
        return np.zeros_like(grey)
    edge = edge_of(alpha)
    if edge.mean() > 0.5:
        # The image has an opaque background, possibly with rounded corners.
        ground = float(np.average(edge_of(grey), weights=edge))
    else:
        ground = WHITE if np.average(grey, weights=alpha) < WHITE / 2 else 0.0
    opaque: Pixels = (alpha * grey + (1 - alpha) * ground).astype(np.float32)
    return opaque


def edge_of(pixels: Pixels) -> Pixels:
    """Return the outermost pixels of an image on all four sides."""
    return np.concatenate([pixels[0], pixels[-1], pixels[1:-1, 0], pixels[1:-1, -1]])
