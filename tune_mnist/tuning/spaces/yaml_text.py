"""Safe and strict YAML loading for search space files.

PyYAML implements YAML 1.1, where ``032`` is 26, ``1:30`` is 90 and ``no`` is false. In YAML 1.2,
``032`` is 32 and the other two are strings. Values that the two versions read differently are
rejected. Tags are rejected too, since a space file does not need them.
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
"""Maximum number of YAML nodes in a file. An alias counts as many as the node it refers to."""

MAX_DIGITS = 18
"""Maximum digits of an integer, so that it fits into 64 bits."""


def read_text(path: Path) -> str:
    """Return the text of a search space file, cut after MAX_CHARACTERS + 1 characters.

    Raises:
        UserError: The file cannot be read.
    """
    try:
        if not path.is_file():  # reading a pipe or a device may never end
            raise UserError(f"{path}: cannot be read, because it is not a file")
        with path.open(encoding="utf-8") as file:
            return file.read(MAX_CHARACTERS + 1)
    except UnicodeDecodeError:
        raise UserError(f"{path}: the file is not text in UTF-8") from None
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror or error}") from None


def load_yaml(text: str, path: Path) -> Any:
    """Parse the text of a search space file.

    Args:
        text: Content of the file.
        path: Path of the file, with which error messages begin.

    Returns:
        Content of the file, which is a mapping if the file is valid.

    Raises:
        UserError: The text is not YAML, has an ambiguous value, or exceeds a limit. The message
            names the line.
    """
    if len(text) > MAX_CHARACTERS:
        raise UserError(
            f"{path}: the text has more than {MAX_CHARACTERS:,} characters, which is too long for"
            " a search space"
        )
    try:
        _check_bounds(text)
        return yaml.load(text, _Loader)  # noqa: S506 - a subclass of SafeLoader
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f" in line {mark.line + 1}" if mark else ""
        raise UserError(f"{path}: not valid YAML{where}: {error.problem}") from None
    except (yaml.YAMLError, ValueError, OverflowError) as error:  # \U00110000, %YAML 999...
        raise UserError(f"{path}: not valid YAML: {printable(str(error))}") from None


def _check_bounds(text: str) -> None:
    """Reject a text that is nested too deeply or too large, before its values are built.

    The check reads the events of PyYAML's parser, which does not recurse. PyYAML's constructor
    recurses for each level and expands aliases, so it must not see an unchecked text.
    """
    sizes: dict[str | None, int] = {}
    open_nodes: list[tuple[str | None, int]] = []  # anchor, number of nodes before it
    nodes = 0
    for event in yaml.parse(text, _Loader):
        if isinstance(event, yaml.CollectionEndEvent):
            anchor, before = open_nodes.pop()
            sizes[anchor] = nodes - before
        if not isinstance(event, yaml.NodeEvent):
            continue
        if isinstance(event, yaml.AliasEvent):
            if any(anchor == event.anchor for anchor, _ in open_nodes):
                raise _refused("an alias refers to a node that contains the alias", event)
            nodes += sizes.get(event.anchor, 1)
        else:
            nodes += 1
            sizes[event.anchor] = 1
        if isinstance(event, yaml.CollectionStartEvent):
            open_nodes.append((event.anchor, nodes - 1))
        if nodes > MAX_NODES:
            raise _refused(
                f"the file has more than {MAX_NODES:,} keys and values, aliases included", event
            )
        if len(open_nodes) > MAX_DEPTH:
            raise _refused(f"the content is nested more than {MAX_DEPTH} levels deep", event)
        tag = getattr(event, "tag", None)
        if tag is not None:
            raise _refused(f"the tag {quoted(tag)} is not allowed; remove it", event)


def _refused(problem: str, at: yaml.Event | yaml.Node) -> yaml.MarkedYAMLError:
    return yaml.MarkedYAMLError(problem=problem, problem_mark=at.start_mark)  # type: ignore[arg-type]


class _Loader(yaml.SafeLoader):
    """YAML loader that rejects duplicate keys, non-string keys and ambiguous values."""

    yaml_implicit_resolvers: dict[str | None, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """Build a mapping, and reject duplicate keys and keys that are not strings.

        If keys were duplicated, PyYAML would silently keep the last one.

        Args:
            node: Node of the mapping.
            deep: Whether to build nested values immediately.
        """
        seen = set()
        for key_node, _ in node.value:
            if key_node.tag == _MERGE:
                continue
            key = key_node.value
            if key_node.tag != _WORD:
                raise _refused("a key must be text", key_node)
            if key in seen:
                raise _refused(f"key {quoted(key)} occurs twice", key_node)
            seen.add(key)
        return super().construct_mapping(node, deep)

    def construct_whole(self, node: yaml.ScalarNode) -> int:
        """Build an integer of at most MAX_DIGITS digits."""
        digits = node.value.lstrip("+-")
        if len(digits) > MAX_DIGITS:
            raise _refused(
                f"a whole number may have at most {MAX_DIGITS} digits, but has {len(digits):,}",
                node,
            )
        return int(node.value)

    def construct_number(self, node: yaml.ScalarNode) -> float:
        """Build a float. The schema rejects ``.inf`` and ``.nan`` later and names their key."""
        return float(node.value.lower().replace(".inf", "inf").replace(".nan", "nan"))

    def refuse_ambiguous(self, node: yaml.ScalarNode) -> Any:
        """Reject a value that YAML 1.1 and 1.2 read differently."""
        raise _refused(
            f"{quoted(node.value)} is ambiguous in YAML; write a number in plain decimals without"
            " leading zeros, write true or false for yes or no, and put a text in quotes",
            node,
        )


_TAG = "tag:yaml.org,2002:"
_MERGE, _WORD = f"{_TAG}merge", f"{_TAG}str"
_AMBIGUOUS = "!ambiguous"
# The first matching pattern decides.
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
