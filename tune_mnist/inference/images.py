"""A picture of a digit, made into an image such as MNIST has them."""

import warnings
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from tune_mnist.data.dataset import SIDE
from tune_mnist.errors import UserError

# MNIST: "size-normalized to fit in a 20x20 pixel box", then moved so that the centre of mass is
# "at the center of the 28x28 field", which is pixel 14 of 0 to 27 in its files.
BOX = 20
CENTRE = 14

WORKING_SIDE = 1024
WHITE = 255.0
LEAST_CONTRAST = 16.0
# What is fainter than this share of the strongest stroke does not count for the digit's extent.
FAINT = 1 / 8
# Five standard deviations of noise, in terms of the median deviation, which ink that touches the
# edge does not change.
NOISE = 7.5

DARK, LIGHT = "dark", "light"

Pixels = NDArray[np.float32]


def read_picture(path: Path) -> tuple[NDArray[np.uint8], str]:
    """Read a picture of one digit and prepare it as MNIST's images were.

    The ground is what the picture's edge mostly shows; the ink is what differs most from it. The
    digit is cut out, scaled to fit a box of 20x20 pixels, and placed in 28x28 with its centre of
    mass in the middle. Source: LeCun, Cortes, Burges, "The MNIST database of handwritten digits",
    http://yann.lecun.com/exdb/mnist/.

    Args:
        path: any format that Pillow reads, any size; colour, transparency and the orientation
            that a camera notes are seen to.

    Returns:
        uint8 (28, 28), light on dark; and whether the ink was ``dark`` or ``light``.

    Raises:
        UserError: the file is missing, damaged, no picture, too large, or shows nothing.
    """
    grey = _grey(_open(path))
    if np.ptp(grey) < LEAST_CONTRAST:
        raise UserError(f"{path}: shows no digit: all of it is of about the same brightness")
    ink, colour = _ink(grey)
    return _centre(_fit(ink)), colour


def _open(path: Path) -> Image.Image:
    """Return the picture, decoded and upright."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            # Of a picture that would fill the memory, Pillow only warns up to twice its limit.
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path) as image:
                image.load()
                return ImageOps.exif_transpose(image)
    except MemoryError:
        raise
    except UnidentifiedImageError:
        raise UserError(
            f"{path}: not a picture (PNG, JPEG or another format that Pillow reads), nor an IDX"
            " file of images"
        ) from None
    except (Image.DecompressionBombWarning, Image.DecompressionBombError):
        raise UserError(
            f"{path}: too large: a picture may have {Image.MAX_IMAGE_PIXELS:,} pixels at most"
        ) from None
    except Exception as error:  # a damaged picture fails in whatever part of it is read first
        raise UserError(f"{path}: cannot be read: {error}") from None


def _grey(image: Image.Image) -> Pixels:
    """Return brightness (H, W) from 0 to 255, at most WORKING_SIDE wide and high."""
    if image.mode.startswith(("I", "F")):
        grey = _spread(np.asarray(image, dtype=np.float32))
    elif image.mode in ("LA", "La", "PA", "RGBA", "RGBa") or "transparency" in image.info:
        grey = _opaque(image.convert("RGBA"))
    else:
        grey = np.asarray(image.convert("L"), dtype=np.float32)
    small = Image.fromarray(grey)
    small.thumbnail((WORKING_SIDE, WORKING_SIDE), Image.Resampling.BOX)
    return np.asarray(small)


def _spread(deep: Pixels) -> Pixels:
    """Return the brightness of a picture deeper than 8 bits, whose white may be anything."""
    deep = np.nan_to_num(deep)
    reach = float(np.ptp(deep))
    spread: Pixels = (deep - deep.min()) * np.float32(WHITE / reach if reach > 0 else 0)
    return spread


def _opaque(image: Image.Image) -> Pixels:
    """Return the brightness of a picture that may be transparent, laid on fitting ground."""
    grey = np.asarray(image.convert("L"), dtype=np.float32)
    alpha = np.asarray(image.getchannel("A"), dtype=np.float32) / np.float32(WHITE)
    if alpha.max() == 0:
        return np.zeros_like(grey)
    edge = _edge(alpha)
    if edge.mean() > 0.5:
        # The picture has a ground of its own, with rounded corners perhaps.
        ground = float(np.average(_edge(grey), weights=edge))
    else:
        ground = WHITE if np.average(grey, weights=alpha) < WHITE / 2 else 0.0
    opaque: Pixels = (alpha * grey + (1 - alpha) * ground).astype(np.float32)
    return opaque


def _ink(grey: Pixels) -> tuple[Pixels, str]:
    """Return how much ink there is (H, W), from 0 to 255, and whether it is dark or light."""
    edge = _edge(grey)
    ground = float(np.median(edge))
    unevenness = float(np.median(np.abs(edge - ground)))
    darker, lighter = ground - float(grey.min()), float(grey.max()) - ground
    colour, most = (DARK, darker) if darker > lighter else (LIGHT, lighter)
    ink = ground - grey if colour == DARK else grey - ground
    # Paper in a photograph is not even; half of the ink's strength is ink in any case.
    ink[ink <= min(NOISE * unevenness, most / 2)] = 0
    return (ink * (WHITE / most)).astype(np.float32), colour


def _edge(pixels: Pixels) -> Pixels:
    """Return the outermost pixels, all around."""
    return np.concatenate([pixels[0], pixels[-1], pixels[1:-1, 0], pixels[1:-1, -1]])


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
