"""The limits of a search's options: the same in a space's defaults and on the command line."""

from typing import Annotated

from pydantic import Field

from tune_mnist.models import MAX_SIZE, MIN_SIZE

ImageSize = Annotated[int, Field(ge=MIN_SIZE, le=MAX_SIZE)]
Share = Annotated[float, Field(gt=0, le=1)]
Epochs = Annotated[int, Field(ge=1, le=100_000)]
Samples = Annotated[int, Field(ge=1, le=100_000)]
Seconds = Annotated[float, Field(gt=0, le=366 * 24 * 3600)]
