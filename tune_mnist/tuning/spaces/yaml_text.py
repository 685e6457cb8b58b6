"""YAML as a search space file has it: read safely, strictly, and within bounds.

PyYAML reads YAML 1.1, where ``032`` is 26, ``1:30`` is 90 and ``no`` is false. YAML 1.2 reads them
as 32 and as texts. A value that readers of YAML take differently is refused, and so is a tag: a
space file needs none.
"""

import re
from pathlib import Path
from typing import Any

import yaml

from tune_mnist.errors import UserError
from tune_mnist.quoting import printable, quoted

MAX_CHARACTERS = 100_000
MAX_DEPTH = 20
MAX_NODES = 10_000
"""Keys, values, lists and mappings of a file, each alias counted as what it stands for."""

MAX_DIGITS = 18
"""Of a whole number: what 64 bits hold."""


def read_text(path: Path) -> str:
    """Return what stands in a search space file.

    Raises:
        UserError: Not readable, or too long for a space file.
    """
    try:
        if not path.is_file():  # a pipe or a device may never end
            raise UserError(f"{path}: cannot be read: not a file")
        with path.open(encoding="utf-8") as file:
            text = file.read(MAX_CHARACTERS + 1)
    except UnicodeDecodeError:
        raise UserError(f"{path}: not a text file in UTF-8") from None
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror or error}") from None
    _check_length(text, path)
    return text


def load_yaml(text: str, path: Path) -> Any:
    """Return what a text says in YAML.

    Args:
        text: Content of the file.
        path: Path of the file, for messages.

    Raises:
        UserError: Not YAML, ambiguous, or beyond the bounds; names the line.
    """
    _check_length(text, path)
    try:
        _check_bounds(text)
        return yaml.load(text, _Loader)  # noqa: S506 - a subclass of SafeLoader
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f" in line {mark.line + 1}" if mark else ""
        raise UserError(f"{path}: not valid YAML{where}: {error.problem}") from None
    except (yaml.YAMLError, ValueError, OverflowError) as error:  # \U00110000, %YAML 999...
        raise UserError(f"{path}: not valid YAML: {printable(str(error))}") from None


def _check_length(text: str, path: Path) -> None:
    if len(text) > MAX_CHARACTERS:
        raise UserError(
            f"{path}: more than {MAX_CHARACTERS:,} characters: not a search space file"
        )


def _check_bounds(text: str) -> None:
    """Refuse what nests or expands beyond the bounds, before anything is built of it.

    PyYAML's parser gives events one by one. What builds values of them calls itself for each
    level, and repeats what an alias stands for.
    """
    sizes: dict[str | None, int] = {}
    open_nodes: list[tuple[str | None, int]] = []  # anchor, and the nodes before it
    nodes = 0
    for event in yaml.parse(text, _Loader):
        if isinstance(event, yaml.CollectionEndEvent):
            anchor, before = open_nodes.pop()
            sizes[anchor] = nodes - before
        if not isinstance(event, yaml.NodeEvent):
            continue
        if isinstance(event, yaml.AliasEvent):
            if any(anchor == event.anchor for anchor, _ in open_nodes):
                raise _refused("an alias stands within what it is an alias of", event)
            nodes += sizes.get(event.anchor, 1)
        else:
            nodes += 1
            sizes[event.anchor] = 1
        if isinstance(event, yaml.CollectionStartEvent):
            open_nodes.append((event.anchor, nodes - 1))
        if nodes > MAX_NODES:
            raise _refused(f"more than {MAX_NODES:,} keys and values, aliases included", event)
        if len(open_nodes) > MAX_DEPTH:
            raise _refused(f"nested more than {MAX_DEPTH} deep", event)
        tag = getattr(event, "tag", None)
        if tag is not None:
            raise _refused(f"the tag {quoted(tag)} is not allowed: leave it out", event)


def _refused(problem: str, at: yaml.Event | yaml.Node) -> yaml.MarkedYAMLError:
    return yaml.MarkedYAMLError(problem=problem, problem_mark=at.start_mark)  # type: ignore[arg-type]


class _Loader(yaml.SafeLoader):
    """Refuses keys that are no words, and keys that stand twice: YAML would keep the last."""

    yaml_implicit_resolvers: dict[str | None, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """Build the mapping, looking at each key."""
        seen = set()
        for key_node, _ in node.value:
            if key_node.tag == _MERGE:
                continue
            key = key_node.value
            if key_node.tag != _WORD:
                raise _refused("a key must be a word", key_node)
            if key in seen:
                raise _refused(f"key {quoted(key)} stands there twice", key_node)
            seen.add(key)
        return super().construct_mapping(node, deep)

    def construct_whole(self, node: yaml.ScalarNode) -> int:
        """Build a whole number, of a length that Python and Optuna can compute with."""
        digits = node.value.lstrip("+-")
        if len(digits) > MAX_DIGITS:
            raise _refused(f"a whole number of {len(digits):,} digits: at most {MAX_DIGITS}", node)
        return int(node.value)

    def construct_number(self, node: yaml.ScalarNode) -> float:
        """Build a number, also ``.inf`` and ``.nan``, which space files refuse by key."""
        return float(node.value.lower().replace(".inf", "inf").replace(".nan", "nan"))

    def refuse_ambiguous(self, node: yaml.ScalarNode) -> Any:
        """Refuse what YAML 1.1 and 1.2 read differently."""
        raise _refused(
            f"{quoted(node.value)} is ambiguous in YAML: write a number in plain decimals without"
            " leading zeros, true or false for yes or no, and a text in quotes",
            node,
        )


_TAG = "tag:yaml.org,2002:"
_MERGE, _WORD = f"{_TAG}merge", f"{_TAG}str"
_AMBIGUOUS = "!ambiguous"
# In this order: the first pattern that fits a value decides.
_KINDS = (
    (_MERGE, r"<<"),
    (f"{_TAG}null", r"~|null|Null|NULL|"),
    (f"{_TAG}bool", r"true|True|TRUE|false|False|FALSE"),
    (f"{_TAG}int", r"[-+]?(0|[1-9][0-9]*)"),
    (f"{_TAG}float", r"[-+]?(\.[0-9]+|(0|[1-9][0-9]*)(\.[0-9]*)?)([eE][-+]?[0-9]+)?"),
    (f"{_TAG}float", r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)"),
    (_AMBIGUOUS, r"yes|Yes|YES|no|No|NO|on|On|ON|off|Off|OFF|[yYnN]|="),
    # Leading zeros, octal, hexadecimal, binary, 1_000, sexagesimal 1:30, dates.
    (_AMBIGUOUS, r"[-+]?0[xXoObB][0-9a-fA-F_]*"),
    (_AMBIGUOUS, r"[-+]?([0-9][0-9_]*(\.[0-9_]*)?|\.[0-9][0-9_]*)([eE][-+]?[0-9]+)?"),
    (_AMBIGUOUS, r"[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?"),
    (_AMBIGUOUS, r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([Tt ].*)?"),
)
for _kind, _pattern in _KINDS:
    _Loader.add_implicit_resolver(_kind, re.compile(f"(?:{_pattern})$"), None)
_Loader.add_constructor(f"{_TAG}int", _Loader.construct_whole)
_Loader.add_constructor(f"{_TAG}float", _Loader.construct_number)
_Loader.add_constructor(_AMBIGUOUS, _Loader.refuse_ambiguous)
