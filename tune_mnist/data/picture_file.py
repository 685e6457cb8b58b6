"""Picture files, opened without trusting them."""

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

# What cameras, scanners, drawing programs and screenshots write. Pillow has more formats, and
# starts a program (Ghostscript) for one of them.
FORMATS = ("PNG", "JPEG", "TIFF", "GIF", "BMP", "WEBP", "PPM")

# At most, as measured with grey and transparency, and with numbers of 32 bits.
_BYTES_A_PIXEL = 14
# Asking for the free memory takes longer than decoding a picture of fewer pixels.
_FEW_PIXELS = 1 << 20
_GREY = ("1", "L", "LA", "La", "I;16", "I;16L", "I;16B", "I;16N", "I", "F")
_TRANSPARENT = ("LA", "La", "PA", "RGBA", "RGBa")
_DEEPEST = 0xFFFF


@contextmanager
def picture_errors(path: Path, expected: str = "") -> Iterator[None]:
    """Report in one line why a picture cannot be read.

    Args:
        path: Names the picture in errors.
        expected: What else than a picture the file may be, for errors.

    Raises:
        UserError: The picture is damaged, no picture, or too large.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            # Of a picture that would fill the memory, Pillow only warns up to twice its limit.
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            yield
    except UnidentifiedImageError:
        raise UserError(f"{path}: not a picture ({', '.join(FORMATS)}){expected}") from None
    except (Image.DecompressionBombWarning, Image.DecompressionBombError):
        raise UserError(
            f"{path}: too large: a picture may have {Image.MAX_IMAGE_PIXELS:,} pixels at most"
        ) from None
    except MemoryError:
        raise UserError(
            f"{path}: needs more memory than this process may use: give a smaller picture"
        ) from None
    except UserError:
        raise
    except Exception as error:  # a damaged picture fails in whatever part of it is read first
        raise UserError(f"{path}: cannot be read: {error}") from None


def decoded(file: BinaryIO, side: int | None = None) -> Image.Image:
    """Return the picture, upright.

    Args:
        file: The picture, seekable.
        side: Pixels that are enough: a JPEG may be decoded at a fraction of its size; None: all.
    """
    with Image.open(file, formats=FORMATS) as image:
        if image.format == "PNG":
            # Pillow reads a PNG whose end is missing; only this looks for the end.
            image.verify()
    file.seek(0)
    with Image.open(file, formats=FORMATS) as image:
        if side is not None:
            # A JPEG is decoded at up to an eighth of its size, which saves time and memory.
            image.draft(None, (side, side))
        pixels = image.width * image.height
        # Where a control group limits the memory, no error tells that there is no more of it.
        if pixels > _FEW_PIXELS and pixels * _BYTES_A_PIXEL > free_memory():
            raise MemoryError
        image.load()
        ImageOps.exif_transpose(image, in_place=True)
        return image


def picture_size(file: BinaryIO, path: Path) -> tuple[int, int, bool]:
    """Return width, height and whether a picture has colours, by its header.

    Args:
        file: The picture, seekable.
        path: Names it in errors.

    Raises:
        UserError: The file is no picture, or too large.
    """
    with picture_errors(path), Image.open(file, formats=FORMATS) as image:
        return image.width, image.height, image.mode not in _GREY


def read_pixels(file: BinaryIO, path: Path) -> NDArray[np.uint8]:
    """Decode a picture as it is.

    Args:
        file: The picture, seekable.
        path: Names it in errors.

    Returns:
        uint8 (H, W) if it is grey, (H, W, 3) in RGB if it has colours; upright, transparent
        ground black, 16 bits reduced to 8.

    Raises:
        UserError: The file is damaged, no picture, or too large.
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
    """Reduce grey of 16 bits to 8."""
    if deep.dtype.kind not in "iu" or deep.min() < 0 or deep.max() > _DEEPEST:
        raise ValueError("more than 16 bits a pixel")
    return (deep.astype(np.uint16) >> 8).astype(np.uint8)
