"""Check of option values before the imports of a search."""

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from tune_mnist.errors import validation_error
from tune_mnist.tuning.options.option_fields import OptionFields
from tune_mnist.tuning.options.option_presentation import FALLBACKS
from tune_mnist.typed_options import as_typed


def refuse_invalid_values(given: Mapping[str, Any]) -> None:
    """Check each option value by itself, which needs neither PyTorch nor Ray.

    Args:
        given: Values, keyed by option name. Values of None and other keys are ignored.

    Raises:
        UserError: A value is invalid.
    """
    fields = OptionFields.model_fields
    values = {key: value for key, value in given.items() if key in fields and value is not None}
    try:
        OptionFields(**FALLBACKS | values)
    except ValidationError as error:
        raise validation_error(error, OptionFields, name=as_typed) from None
