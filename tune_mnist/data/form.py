"""Form of the images that a network expects: side, channels, classes and orientation."""

from collections.abc import Sequence
from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from tune_mnist.models.settings import MAX_CLASSES

SIDE = 28
"""Side length of MNIST's images in pixels."""
MIN_SIDE, MAX_SIDE = 8, 512
GREY, RGB = 1, 3
MAX_CLASS_NAME = 255
_NAMED_CLASSES = 5


def _printable(name: str) -> str:
    if not name.isprintable():
        raise ValueError("text without control characters")
    return name


def _as_tuple(names: object) -> object:
    return tuple(names) if isinstance(names, list) else names


def _distinct(names: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(names)) < len(names):
        raise ValueError("unique class names")
    return names


def _grey_or_rgb(channels: int) -> int:
    if channels not in (GREY, RGB):
        raise ValueError(f"{GREY} (grey) or {RGB} (RGB)")
    return channels


_Name = Annotated[
    str, Field(min_length=1, max_length=MAX_CLASS_NAME, strict=True), AfterValidator(_printable)
]


class DataForm(BaseModel):
    """Form of the images of a data set, stored together with the networks trained on it.

    Attributes:
        name: Name of the data set.
        side: Side length of the images in pixels, from 8 to 512.
        channels: Number of channels, 1 (grey) or 3 (RGB).
        class_names: Name of each class, in the order of the network's outputs.
        transposed: Whether the rows and columns of the images were swapped when they were loaded.
        centred: Whether images show one light digit centred by its mass, like MNIST's. ``predict``
            then prepares images in the same way.
        fills_image: Whether images show one light digit that fills the image, like scikit-learn's.
            ``predict`` then prepares images in the same way.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: _Name = "mnist"
    side: Annotated[int, Field(ge=MIN_SIDE, le=MAX_SIDE, strict=True)] = SIDE
    channels: Annotated[int, Field(strict=True), AfterValidator(_grey_or_rgb)] = GREY
    class_names: Annotated[
        tuple[_Name, ...],
        # Strict validation rejects a JSON list for a tuple if the enclosing model has a validator
        # with mode="before", as TrainConfig has.
        BeforeValidator(_as_tuple),
        Field(min_length=2, max_length=MAX_CLASSES),
        AfterValidator(_distinct),
    ]
    transposed: Annotated[bool, Field(strict=True)] = False
    centred: Annotated[bool, Field(strict=True)] = True
    fills_image: Annotated[bool, Field(strict=True)] = False

    @classmethod
    def of_mnist(cls, num_classes: int) -> "DataForm":
        """Return the form of MNIST's images with a given number of classes."""
        return cls(class_names=number_names(num_classes))

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of an image: (S, S), or (S, S, 3) in RGB."""
        return (self.side, self.side, *([] if self.channels == GREY else [self.channels]))

    @property
    def batch_shape(self) -> str:
        """Shape of an array of images as text, such as ``(N, 28, 28)``."""
        return f"(N, {', '.join(map(str, self.shape))})"

    @property
    def pixels(self) -> str:
        """Size and colours of an image as text, such as ``64x64 RGB``."""
        return f"{self.side}x{self.side} {'RGB' if self.channels == RGB else 'grey'}"

    @property
    def is_placed(self) -> bool:
        """Whether ``predict`` cuts out the digit of a picture and places it in the image."""
        return (self.centred or self.fills_image) and self.shape == (SIDE, SIDE)

    @property
    def is_mnist_like(self) -> bool:
        """Whether images have the size and channels of MNIST's, regardless of their classes."""
        return self == DataForm(name=self.name, class_names=self.class_names)

    def describe(self) -> str:
        """Return the name of the data set, and the form of its images if it is not MNIST's."""
        numbered = self.class_names == number_names(len(self.class_names))
        if (self.is_mnist_like or self.name == "digits") and numbered:
            return self.name
        shown = ", ".join(self.class_names[:_NAMED_CLASSES])
        more = ", ..." if len(self.class_names) > _NAMED_CLASSES else ""
        transposed = ", transposed" if self.transposed else ""
        return (
            f"{self.name} ({self.pixels}{transposed}, {len(self.class_names)} classes:"
            f" {shown}{more})"
        )


def number_names(count: int) -> tuple[str, ...]:
    """Return default class names, which are the numbers from 0."""
    return tuple(str(number) for number in range(count))


def class_name(names: Sequence[str], number: int) -> str:
    """Return the name of a class, or its number if it has no name."""
    return names[number] if number < len(names) else str(number)


MNIST = DataForm.of_mnist(10)
FORM_KEY = "data"
"""Key of the form in ``config.json``."""
