"""What a user wants to have read: a picture, or an IDX file full of images."""

from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from tune_mnist.data.form import SIDE
from tune_mnist.data.idx import GZIP_START, parse_idx
from tune_mnist.errors import UserError
from tune_mnist.inference.images import read_picture
from tune_mnist.inference.opening import opened

# Two zero bytes and the data type: no format that Pillow reads begins like this, nor like gzip.
IDX_STARTS = (b"\0\0\x08", GZIP_START)


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
    """Read a picture, or an IDX file of 28x28 images, plain or gzipped, from a file or a pipe.

    Raises:
        UserError: the file is missing, damaged, or neither of them.
    """
    with opened(path) as file:
        start = file.read(len(IDX_STARTS[0]))
        file.seek(0)
        if start.startswith(IDX_STARTS):
            return Input(path, _read_idx_images(file, path), None)
        image, ink = read_picture(file, path)
        return Input(path, image[np.newaxis], ink)


def _read_idx_images(file: BinaryIO, path: Path) -> NDArray[np.uint8]:
    images = parse_idx(file, path)
    if images.ndim != 3 or images.shape[1:] != (SIDE, SIDE):
        raise UserError(f"{path}: shape {images.shape}: must be (N, {SIDE}, {SIDE})")
    if len(images) == 0:
        raise UserError(f"{path}: holds no images")
    return images
