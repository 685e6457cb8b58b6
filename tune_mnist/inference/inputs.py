"""Reading of the images to classify: images and IDX files."""

from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from tune_mnist.data.form import GREY, RGB, DataForm
from tune_mnist.data.idx import GZIP_START, parse_idx
from tune_mnist.data.picture_file import read_pixels
from tune_mnist.errors import UserError
from tune_mnist.inference.images import read_picture
from tune_mnist.inference.opening import opened
from tune_mnist.inference.placing import place_centred, place_filling

# Two zero bytes and the data type, or a gzip header. No image format of Pillow begins like this.
IDX_STARTS = (b"\0\0\x08", GZIP_START)


@dataclass(frozen=True)
class Input:
    """Images read from one file and prepared for the input of a network.

    Attributes:
        path: Path of the file as given by the user.
        images: Images in the form of the network's training images, uint8 (N, S, S) or
            (N, S, S, 3).
        ink: Colour of the strokes in an image file, ``"dark"`` or ``"light"``. None if the images
            were used without separating strokes and background.
        is_picture: Whether the file is an image file, which contains one image. False for an IDX
            file.
    """

    path: Path
    images: NDArray[np.uint8]
    ink: str | None
    is_picture: bool = False


def read_input(path: Path, form: DataForm) -> Input:
    """Read the images to classify from an image file or an IDX file, plain or gzipped.

    Args:
        path: Path of a file or pipe.
        form: Image form (size, channels) that the network was trained on.

    Raises:
        UserError: The file is missing, damaged or of another type, or its images do not have the
            required form.
    """
    with opened(path) as file:
        start = file.read(len(IDX_STARTS[0]))
        file.seek(0)
        if start.startswith(IDX_STARTS):
            return Input(path, _read_idx_images(file, path, form), None)
        if form.is_placed:
            place = place_centred if form.centred else place_filling
            image, ink = read_picture(file, path, place)
            return Input(path, image[np.newaxis], ink, is_picture=True)
        image = _as_trained(read_pixels(file, path), path, form)
        return Input(path, _upright(image[np.newaxis], form), None, is_picture=True)


def _read_idx_images(file: BinaryIO, path: Path, form: DataForm) -> NDArray[np.uint8]:
    images = parse_idx(file, path)
    if images.ndim == 4 and images.shape[3] == GREY:
        images = images[..., 0]
    if images.shape[1:] != form.shape:
        raise UserError(
            f"{path}: the shape must be {form.batch_shape}, like the images of"
            f" {form.name} that the network was trained on, but is {images.shape}"
        )
    if len(images) == 0:
        raise UserError(f"{path}: the file contains no images")
    return _upright(images, form)


def _as_trained(pixels: NDArray[np.uint8], path: Path, form: DataForm) -> NDArray[np.uint8]:
    """Convert an image to the channels of the training images and check its size."""
    height, width = pixels.shape[:2]
    if (height, width) != (form.side, form.side):
        raise UserError(
            f"{path}: the image must have {form.side}x{form.side} pixels, like the images of"
            f" {form.name} that the network was trained on, but has {width}x{height}"
        )
    if form.channels == RGB:
        return pixels if pixels.ndim == 3 else np.stack([pixels] * RGB, axis=-1)
    if pixels.ndim == 2:
        return pixels
    if (pixels != pixels[..., :1]).any():
        raise UserError(
            f"{path}: the image is in color, but the network was trained on the grey images of"
            f" {form.name}"
        )
    return pixels[..., 0]


def _upright(images: NDArray[np.uint8], form: DataForm) -> NDArray[np.uint8]:
    """Swap the rows and columns of the images if those of the training images were swapped."""
    return np.ascontiguousarray(images.swapaxes(1, 2)) if form.transposed else images
