"""Pictures drawn for the tests."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Colour = str | tuple[int, int, int]
SHAPE = (15, 10)


def drawn(
    ink: Colour = "black",
    ground: Colour = "white",
    *,
    scale: int = 6,
    size: tuple[int, int] | None = None,
    corner: tuple[int, int] | None = None,
) -> Image.Image:
    """Return a picture of a 5 made of straight strokes, ten units wide and fifteen high."""
    strokes = np.zeros(SHAPE, dtype=bool)
    strokes[:2] = strokes[6:8] = strokes[-2:] = True
    strokes[:8, :2] = strokes[6:, -2:] = True
    mask = Image.fromarray(np.kron(strokes, np.ones((scale, scale))).astype(np.uint8) * 255)
    picture = Image.new("RGB", size or (14 * scale, 20 * scale), ground)
    picture.paste(ink, corner or (2 * scale, 3 * scale), mask)
    return picture


def picture_of(
    image: NDArray[np.uint8],
    *,
    dark: bool,
    side: int = 28,
    size: tuple[int, int] | None = None,
    corner: tuple[int, int] = (0, 0),
) -> Image.Image:
    """Return an image of a data set as a drawing on a larger sheet."""
    sheet = Image.new("L", size or (side, side), 0)
    sheet.paste(Image.fromarray(image).resize((side, side), Image.Resampling.BICUBIC), corner)
    return Image.eval(sheet, lambda value: 255 - value) if dark else sheet
