"""Safe decoding of untrusted image files."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from tune_mnist.errors import UserError
from tune_mnist.machine import free_memory

PICTURE_FORMATS = ("PNG", "JPEG", "TIFF", "GIF", "BMP", "WEBP", "PPM")
"""Accepted formats. Pillow's other formats are refused, as one of them starts Ghostscript."""

# Maximum memory for decoding, measured for grey images with transparency and 32-bit pixels.
_BYTES_PER_PIXEL = 14
# Below this size, decoding is faster than determining the free memory.
_FEW_PIXELS = 1 << 20
_GREY = ("1", "L", "LA", "La", "I;16", "I;16L", "I;16B", "I;16N", "I", "F")
_TRANSPARENT = ("LA", "La", "PA", "RGBA", "RGBa")
_MAX_16_BITS = 0xFFFF


@contextmanager
def picture_errors(path: Path, expected: str = "") -> Iterator[None]:
    """Context manager that converts errors raised while reading an image file to UserError.

    Args:
        path: Image path to show in error messages.
        expected: Text to append to the message if the file is not an image.

    Raises:
        UserError: The file is not an image, is damaged or is too large.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            # Pillow raises an error only above twice its pixel limit, and warns below that.
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            yield
    except UnidentifiedImageError:
        formats = ", ".join(PICTURE_FORMATS)
        raise UserError(f"{path}: the file is not an image ({formats}){expected}") from None
    except (Image.DecompressionBombWarning, Image.DecompressionBombError):
        raise UserError(
            f"{path}: the image is too large: it has over {Image.MAX_IMAGE_PIXELS:,} pixels"
        ) from None
    except MemoryError:
        raise UserError(
            f"{path}: decoding needs more memory than this process may use: use a smaller image"
        ) from None
    except UserError:
        raise
    except Exception as error:  # a damaged image can raise any exception
        raise UserError(f"{path}: cannot be read: {error}") from None


def decoded(file: BinaryIO, side: int | None = None) -> Image.Image:
    """Decode an image and rotate it upright.

    Args:
        file: Seekable image file.
        side: Side length in pixels to which the caller will reduce the image. A JPEG may then be
            decoded at a smaller size, but not below this side length. If None, the image is
            decoded at full size.
    """
    with Image.open(file, formats=PICTURE_FORMATS) as image:
        if image.format == "PNG":
            # Pillow decodes a truncated PNG without an error unless it is verified.
            image.verify()
    file.seek(0)
    with Image.open(file, formats=PICTURE_FORMATS) as image:
        if side is not None:
            # Decode a JPEG at down to an eighth of its size, which saves time and memory.
            image.draft(None, (side, side))
        pixels = image.width * image.height
        # A process that exceeds the limit of its control group is killed without an exception.
        if pixels > _FEW_PIXELS and pixels * _BYTES_PER_PIXEL > free_memory():
            raise MemoryError
        image.load()
        ImageOps.exif_transpose(image, in_place=True)
        return image


def picture_size(file: BinaryIO, path: Path) -> tuple[int, int, bool]:
    """Read the width and height of an image, and whether it is in colour, from its header.

    Args:
        file: Seekable image file.
        path: Image path to show in error messages.

    Raises:
        UserError: The file is not an image, or is too large.
    """
    with picture_errors(path), Image.open(file, formats=PICTURE_FORMATS) as image:
        return image.width, image.height, image.mode not in _GREY


def read_pixels(file: BinaryIO, path: Path) -> NDArray[np.uint8]:
    """Decode an image at its original size.

    Args:
        file: Seekable image file.
        path: Image path to show in error messages.

    Returns:
        Pixels of the upright image, uint8 (H, W) if grey or (H, W, 3) in RGB. Transparent pixels
        are black, and 16 bits per channel are reduced to 8.

    Raises:
        UserError: The file is not an image, is damaged or is too large.
    """
    with picture_errors(path):
        image = decoded(file)
        if image.mode.startswith(("I", "F")):
            return _eight_bits(np.array(image))
        mode = "L" if image.mode in _GREY else "RGB"
        if image.mode in _TRANSPARENT or "transparency" in image.info:
            black = Image.new("RGBA", image.size, (0, 0, 0, 255))
            image = Image.alpha_composite(black, image.convert("RGBA"))
        return np.asarray(image if image.mode == mode else image.convert(mode))


def _eight_bits(deep: NDArray[np.generic]) -> NDArray[np.uint8]:
    """Convert 16-bit grey pixels to 8 bits."""
    if deep.dtype.kind not in "iu" or deep.min() < 0 or deep.max() > _MAX_16_BITS:
        raise ValueError("its pixels have more than 16 bits")
    return (deep.astype(np.uint16) >> 8).astype(np.uint8)
