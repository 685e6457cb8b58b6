"""Reading of image folders with the layout train/<class>/ and test/<class>/."""

from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tune_mnist.data.assembly import Part
from tune_mnist.data.form import GREY, MAX_CLASS_NAME, MAX_SIDE, MIN_SIDE, RGB
from tune_mnist.data.idx_folder import TEST, TRAIN
from tune_mnist.data.picture_file import picture_size, read_pixels
from tune_mnist.errors import UserError
from tune_mnist.files import require_file
from tune_mnist.machine import memory_shortage
from tune_mnist.models.settings import MAX_CLASSES
from tune_mnist.quoting import printable, shortened

VALIDATION = "val"
# Files of file managers. Their other files begin with a dot.
_NO_PICTURES = ("Thumbs.db", "desktop.ini")

_Listed = list[tuple[Path, int]]


def read_picture_folder(folder: Path) -> tuple[Part, Part, list[str]]:
    """Read a data set from a folder of image files.

    If any image is in colour, grey images are converted to RGB. Transparent pixels become black.
    Images in ``val/`` are added to the training images.

    Args:
        folder: Folder with ``train/`` and ``test/``, each with one subfolder per class.

    Returns:
        Training images and test images with their labels, and the class names.

    Raises:
        UserError: A folder is missing or empty, or an image cannot be read or differs in size.
    """
    classes = _class_folders(folder / TRAIN)
    if len(classes) < 2:
        raise UserError(
            f"{folder / TRAIN}: there must be two classes or more, each with a folder of images,"
            f" but the number of classes is {len(classes)}"
        )
    if len(classes) > MAX_CLASSES:
        raise UserError(
            f"{folder / TRAIN}: there must be at most {MAX_CLASSES} classes, but there are"
            f" {len(classes):,}"
        )
    train = _listed(folder / TRAIN, classes)
    if (folder / VALIDATION).is_dir():
        train += _listed(folder / VALIDATION, classes)
    test = _listed(folder / TEST, classes)
    side, colours = _common_form([path for path, _ in chain(train, test)])
    count = len(train) + len(test)
    if shortage := memory_shortage(count * side * side * (RGB if colours else GREY)):
        raise UserError(f"{folder}: {count:,} images take {shortage}")
    parts = [
        Part(_read(listed, side, colours), _labels(listed), str(at), str(at))
        for listed, at in ((train, folder / TRAIN), (test, folder / TEST))
    ]
    return parts[0], parts[1], [shortened(printable(name), MAX_CLASS_NAME) for name in classes]


def _class_folders(part: Path) -> list[str]:
    if not part.is_dir():
        raise UserError(
            f"{part}: there is no such folder: train/ and test/ must each contain one folder of"
            " images per class"
        )
    return sorted(path.name for path in _visible(part) if path.is_dir())


def _listed(part: Path, classes: list[str]) -> _Listed:
    """Return the path and the class number of each image in a training or test folder."""
    numbers = {name: number for number, name in enumerate(classes)}
    for name in _class_folders(part):
        if name not in numbers:
            raise UserError(
                f"{part / name}: there are no training images of this class: add them to"
                f" {part.with_name(TRAIN) / name}, or remove this folder"
            )
    listed = [
        (path, number)
        for name, number in numbers.items()
        if (part / name).is_dir()
        for path in _visible(part / name)
    ]
    empty = set(numbers.values()) - {number for _, number in listed}
    if not listed or (part.name == TRAIN and empty):
        where = part / classes[min(empty)] if listed else part
        raise UserError(f"{where}: the folder contains no images")
    return listed


def _visible(folder: Path) -> Iterator[Path]:
    paths = sorted(folder.iterdir())
    return (p for p in paths if not p.name.startswith(".") and p.name not in _NO_PICTURES)


def _common_form(paths: list[Path]) -> tuple[int, bool]:
    """Return the common side length of all images and whether any is in colour, by the headers."""
    side, colours = 0, False
    for path in paths:
        if path.is_dir():
            raise UserError(
                f"{path} is a folder, but the folder of a class must contain only images"
            )
        require_file(path)
        with path.open("rb") as file:
            width, height, coloured = picture_size(file, path)
        colours = colours or coloured
        if side == 0 and (width != height or not MIN_SIDE <= width <= MAX_SIDE):
            raise UserError(
                f"{path}: the image must be square with a side of {MIN_SIDE} to {MAX_SIDE}"
                f" pixels, but has {width}x{height}"
            )
        side = side or width
        if (width, height) != (side, side):
            raise UserError(
                f"{path}: all images must have the same size, but this one has {width}x{height}"
                f" pixels and {paths[0]} has {side}x{side}"
            )
    return side, colours


def _read(listed: _Listed, side: int, colours: bool) -> NDArray[np.uint8]:
    shape = (len(listed), side, side, 3) if colours else (len(listed), side, side)
    images = np.empty(shape, np.uint8)
    for image, (path, _) in zip(images, listed, strict=True):
        with path.open("rb") as file:
            pixels = read_pixels(file, path)
        if pixels.shape[:2] != (side, side):
            raise UserError(f"{path}: the image is damaged: its size differs from its header")
        image[...] = pixels[..., np.newaxis] if colours and pixels.ndim == 2 else pixels
    return images


def _labels(listed: _Listed) -> NDArray[np.int64]:
    return np.array([number for _, number in listed], np.int64)
