"""YAML as a search space file has it: read safely, and strictly."""

import re
from pathlib import Path
from typing import Any

import yaml

from tune_mnist.errors import UserError


def read_text(path: Path) -> str:
    """Return what stands in a search space file.

    Raises:
        UserError: not readable.
    """
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise UserError(f"{path}: not a text file in UTF-8") from None
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror or error}") from None


class _Loader(yaml.SafeLoader):
    """Refuses keys that are no words, and keys that stand twice: YAML would keep the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """Build the mapping, looking at each key."""
        seen = set()
        for key_node, _ in node.value:
            if key_node.tag == MERGE:
                continue
            key = key_node.value
            if key_node.tag != WORD:
                raise yaml.MarkedYAMLError(
                    problem="a key must be a word", problem_mark=key_node.start_mark
                )
            if key in seen:
                raise yaml.MarkedYAMLError(
                    problem=f"key '{key}' stands there twice", problem_mark=key_node.start_mark
                )
            seen.add(key)
        return super().construct_mapping(node, deep)


MERGE, WORD, NUMBER = (f"tag:yaml.org,2002:{kind}" for kind in ("merge", "str", "float"))
# YAML 1.1 takes 1e-3 for a word, unlike YAML 1.2 and everybody who writes a learning rate.
_Loader.add_implicit_resolver(
    NUMBER, re.compile(r"[-+]?[0-9]+(\.[0-9]*)?[eE][-+]?[0-9]+$"), list("-+0123456789")
)


def load_yaml(text: str, path: Path) -> Any:
    """Return what a text says in YAML.

    Args:
        text: what stands in the file.
        path: of the file, for messages.

    Raises:
        UserError: not YAML; names the line.
    """
    try:
        return yaml.load(text, _Loader)  # noqa: S506 - a subclass of SafeLoader
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f" in line {mark.line + 1}" if mark else ""
        raise UserError(f"{path}: not valid YAML{where}: {error.problem}") from None
    except yaml.YAMLError as error:
        raise UserError(f"{path}: not valid YAML: {' '.join(str(error).split())}") from None
