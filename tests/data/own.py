"""Small data sets in the forms of users: pictures by class, and NumPy archives."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

CLASSES = ("circle", "cross", "square")


def shape_picture(name: str, random: np.random.Generator, side: int = 64) -> Image.Image:
    """Draw one of three shapes in its colour, at a random place on a noisy background."""
    noise = random.integers(0, 40, (side, side, 3), dtype=np.uint8)
    image = Image.fromarray(noise)
    draw = ImageDraw.Draw(image)
    size = side // 3
    x, y = (int(place) for place in random.integers(2, side - size - 2, 2))
    box = (x, y, x + size, y + size)
    if name == "circle":
        draw.ellipse(box, fill=(220, 60, 60))
    elif name == "square":
        draw.rectangle(box, fill=(60, 200, 90))
    else:
        draw.line(box, fill=(90, 120, 240), width=4)
        draw.line((x, y + size, x + size, y), fill=(90, 120, 240), width=4)
    return image


def picture_folder(folder: Path, train: int = 6, test: int = 2, side: int = 64) -> Path:
    """Write a given number of pictures for each of three classes."""
    random = np.random.default_rng(0)
    for part, count in (("train", train), ("test", test)):
        for name in CLASSES:
            place = folder / part / name
            place.mkdir(parents=True)
            for number in range(count):
                shape_picture(name, random, side).save(place / f"{number}.png")
    return folder


def some_arrays(
    shape: tuple[int, ...] = (10, 10), train: int = 30, test: int = 9
) -> dict[str, NDArray[np.uint8]]:
    """Return the arrays of a data set with three classes, by their names in an archive."""
    random = np.random.default_rng(0)
    arrays = {}
    for part, count in (("train", train), ("test", test)):
        arrays[f"x_{part}"] = random.integers(0, 256, (count, *shape), dtype=np.uint8)
        arrays[f"y_{part}"] = (np.arange(count) % 3 + 1).astype(np.uint8)
    return arrays
