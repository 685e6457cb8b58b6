"""Search spaces that a program passes as a dict."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from tune_mnist.errors import UserError
from tune_mnist.tuning.spaces.space import SearchSpace, parse_space

SPACE_NAME = "dict"
"""Name of every space that was built from a dict, in the output and in names of folders."""

_ARGUMENT = Path("space")
"""Argument of the call, which errors name in place of a file."""


def space_from_dict(content: Mapping[str, Any]) -> SearchSpace:
    """Build a search space from a dict, for programs that use no space file.

    Args:
        content: Keys and values as in a space file. NumPy scalars are accepted as numbers.

    Raises:
        UserError: The space is invalid. The message names key and value.
    """
    try:
        text = yaml.dump(dict(content), Dumper=_Dumper, sort_keys=False, allow_unicode=True)
    except yaml.representer.RepresenterError as error:
        value = type(error.args[-1]).__name__
        raise UserError(
            f"{_ARGUMENT}: the dict contains a value of type {value}, but may contain only"
            " numbers, texts, lists and dicts"
        ) from None
    except RecursionError:
        raise UserError(
            f"{_ARGUMENT}: the dict is nested too deeply, or contains itself"
        ) from None
    return replace(parse_space(text, _ARGUMENT), name=SPACE_NAME)


class _Dumper(yaml.SafeDumper):
    def ignore_aliases(self, data: Any) -> bool:
        return True


def _represent_numpy(dumper: yaml.SafeDumper, value: Any) -> yaml.Node:
    return dumper.represent_data(value.tolist())


for _kind in (np.integer, np.floating, np.bool_):
    _Dumper.add_multi_representer(_kind, _represent_numpy)
