"""Bounded types for the values in stored files."""

import math
from typing import Annotated, Any

from pydantic import Field, PlainValidator

MAX_TEXT = 100_000
MAX_WHOLE = 2**53
MAX_IMAGES = 10_000_000
"""Maximum test images of a search; no data set has more, and the report uses memory for each."""

MAX_INDICES = 100_000
"""Maximum length of a stored list of images, so that a JSON file stays below its size limit."""

Text = Annotated[str, Field(max_length=MAX_TEXT)]
Whole = Annotated[int, Field(ge=0, le=MAX_WHOLE)]
Finite = Annotated[float, Field(allow_inf_nan=False)]
Accuracy = Annotated[float, Field(ge=0, le=1)]


def _scalar(value: Any) -> Any:
    if isinstance(value, bool):
        return value
    if isinstance(value, int) and abs(value) <= MAX_WHOLE:
        return value
    if isinstance(value, float) and math.isfinite(value):
        return value
    if isinstance(value, str) and len(value) <= MAX_TEXT:
        return value
    raise ValueError("a number, text, true or false")


Scalar = Annotated[Any, PlainValidator(_scalar)]
