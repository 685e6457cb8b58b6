"""The limits of a search's options: the same in a space's defaults and on the command line."""

from typing import Annotated

from pydantic import Field

from tune_mnist.declarations import Duration
from tune_mnist.models import MAX_SIZE, MIN_SIZE

ImageSize = Annotated[int, Field(ge=MIN_SIZE, le=MAX_SIZE)]
"""Side of an image in pixels."""

Fraction = Annotated[float, Field(gt=0, le=1)]
"""How much of a part of the images."""

EpochCount = Annotated[int, Field(ge=1, le=100_000)]
"""How many epochs, or which, counting from 1."""

Samples = Annotated[int, Field(ge=1, le=100_000)]
"""How many trials."""

Seconds = Annotated[float, Field(gt=0, le=366 * 24 * 3600), Duration()]
"""A stretch of time."""
