"""What a user wants to have read: a picture, or an IDX file full of images."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tune_mnist.data import read_idx
from tune_mnist.data.dataset import SIDE
from tune_mnist.errors import UserError
from tune_mnist.inference.images import read_picture

# Two zero bytes and the data type: no format that Pillow reads begins like this.
IDX_START = b"\0\0\x08"


@dataclass(frozen=True)
class Input:
    """The images of one file.

    Attributes:
        path: the file, as the user gave it.
        images: uint8 (N, 28, 28), light on dark.
        ink: of a picture, whether its digit was ``dark`` or ``light``; None for an IDX file, whose
            images are taken as they are.
    """

    path: Path
    images: NDArray[np.uint8]
    ink: str | None


def read_input(path: Path) -> Input:
    """Read a picture, or an IDX file of 28x28 images, plain or gzipped.

    Raises:
        UserError: the file is missing, damaged, or neither of them.
    """
    if path.suffix == ".gz" or _start(path) == IDX_START:
        return Input(path, _read_idx_images(path), None)
    image, ink = read_picture(path)
    return Input(path, image[np.newaxis], ink)


def _start(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(len(IDX_START))
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror}") from None


def _read_idx_images(path: Path) -> NDArray[np.uint8]:
    images = read_idx(path)
    if images.ndim != 3 or images.shape[1:] != (SIDE, SIDE):
        raise UserError(f"{path}: shape {images.shape}: must be (N, {SIDE}, {SIDE})")
    if len(images) == 0:
        raise UserError(f"{path}: holds no images")
    return images
