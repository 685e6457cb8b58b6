"""Types of options with bounds, used for the defaults of space files and the command line."""

from typing import Annotated

from pydantic import Field

from tune_mnist.declarations import Duration
from tune_mnist.models import MAX_SIZE, MIN_SIZE

ImageSize = Annotated[int, Field(ge=MIN_SIZE, le=MAX_SIZE)]
"""Side length of an image in pixels."""

Fraction = Annotated[float, Field(gt=0, le=1)]
"""Share of the training or validation images, above 0, up to 1."""

EpochCount = Annotated[int, Field(ge=1, le=100_000)]
"""Number of epochs, or index of an epoch, from 1."""

MAX_SAMPLES = 100_000
"""Maximum number of trials of a search."""

Samples = Annotated[int, Field(ge=1, le=MAX_SAMPLES)]
"""Number of trials."""

Seconds = Annotated[float, Field(gt=0, le=366 * 24 * 3600), Duration()]
"""Duration in seconds, up to a year."""
