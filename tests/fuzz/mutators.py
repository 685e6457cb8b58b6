"""Seeded damage to bytes, JSON files and JSON lines files."""

import copy
import json
from random import Random
from typing import Any

from tests.fuzz.target import Damage

DEPTH = 10_000
_RAW = {
    "@deep list@": "[" * DEPTH + "]" * DEPTH,
    "@deep mapping@": '{"a":' * DEPTH + "1" + "}" * DEPTH,
    "@unclosed@": "[" * 100_000,
    "@5000 digits@": "9" * 5_000,
    "@400 digits@": "1" + "0" * 400,
    "@1e999@": "1e999",
    "@-0@": "-0.0",
    "@NaN@": "NaN",
    "@Infinity@": "Infinity",
    "@-Infinity@": "-Infinity",
    "@twice@": '{"a": 1, "a": 2}',
    "@surrogate@": '"\\ud800"',
    "@date@": "2026-11-26",
}
"""JSON texts that ``json.dumps`` does not write, by the placeholder for each."""

_PLAIN: tuple[Any, ...] = (
    *(None, True, False, 0, 1, -1, 2, 99, 2**31, 2**63, 2**64, -(2**63), 10**18, 0.5, -0.5, 1e308),
    *(
        "",
        "x",
        "0",
        "0.5",
        "lenet",
        "nan",
        "../../x",
        "/etc/passwd",
        "x" * 5_000,
        "a\nb",
        "\x1b[2J",
    ),
    *("\x00", "<script>", "é", "\u202e", '"quoted"', "[bold]", "$x$", "\\input{x}"),
    *([], {}, [1], [None], [[]], {"a": 1}, ["x"] * 2_000, {str(i): i for i in range(2_000)}),
)


_BYTE_DAMAGES = (
    *("flip", "flip", "truncate", "insert", "delete", "repeat", "empty", "random", "zeros"),
    *("utf-16", "bom", "latin-1", "append", "swap"),
)


def byte_damage(content: bytes, random: Random) -> tuple[str, bytes]:
    """Damage the bytes of a file of any format."""
    kind = random.choice(_BYTE_DAMAGES)
    place, end = sorted(random.randrange(len(content) + 1) for _ in range(2))
    match kind:
        case "flip":
            damaged = bytearray(content)
            for _ in range(random.choice([1, 1, 3, 20])):
                damaged[random.randrange(len(damaged))] ^= 1 << random.randrange(8)
            return kind, bytes(damaged)
        case "truncate":
            return f"{kind} to {place}", content[:place]
        case "insert":
            return kind, content[:place] + random.randbytes(random.choice([1, 8, 500])) + content[
                place:
            ]
        case "delete":
            return kind, content[:place] + content[end:]
        case "repeat":
            return kind, content[:end] + content[place:]
        case "empty":
            return kind, b""
        case "random":
            return kind, random.randbytes(random.choice([1, 100, 10_000]))
        case "zeros":
            return kind, content[:place] + bytes(end - place) + content[end:]
        case "utf-16":
            return kind, content.decode("latin-1").encode("utf-16")
        case "bom":
            return kind, b"\xef\xbb\xbf" + content
        case "latin-1":
            return kind, content[:place] + b"\xe9" + content[place:]
        case "append":
            return kind, content + random.choice([b"\n\n", b"}", b"\x00", b"null", content])
        case _:
            middle = (place + end) // 2
            return kind, content[:place] + content[middle:end] + content[place:middle] + content[
                end:
            ]


def hostile_value(random: Random) -> Any:
    """Return a value that is usually invalid: of another type, size or range."""
    return copy.deepcopy(random.choice([*_PLAIN, *_RAW]))


def dump(value: Any) -> str:
    """Return JSON in which the placeholders of :func:`hostile_value` are replaced."""
    text = json.dumps(value)
    for word, raw in _RAW.items():
        text = text.replace(f'"{word}"', raw)
    return text


def change_value(value: Any, random: Random) -> tuple[str, Any]:
    """Change one place of a JSON value: replace, remove, add, rename or copy something."""
    if random.random() < 0.03 or not isinstance(value, dict | list) or not value:
        return "all of it replaced", hostile_value(random)
    holder, key, path = _place(value, random)
    kind = random.choice(
        ["replace"] * 5 + ["other type"] * 2 + ["remove", "add", "rename", "copy", "wrap"]
    )
    match kind:
        case "replace":
            holder[key] = hostile_value(random)
        case "other type":
            holder[key] = _other_type(holder[key])
        case "remove":
            del holder[key]
        case "add":
            _add(holder, hostile_value(random))
        case "rename" if isinstance(holder, dict):
            holder[random.choice(["foo", "", "x" * 300, f"{key} ", "__class__"])] = holder.pop(key)
        case "copy":
            other_holder, other_key, _ = _place(value, random)
            holder[key] = json.loads(json.dumps(other_holder[other_key]))
        case _:
            holder[key] = [holder[key]]
    return f"{kind} {path}", value


def json_damage(content: bytes, random: Random) -> tuple[str, bytes]:
    """Damage a JSON file: a value in nine of ten cases, otherwise its bytes."""
    if random.random() < 0.1:
        return byte_damage(content, random)
    what, value = change_value(json.loads(content), random)
    for _ in range(random.choice([0, 0, 0, 1, 3])):
        more, value = change_value(value, random)
        what += f", {more}"
    return what, dump(value).encode("utf-8", "surrogatepass")


def json_lines_damage(content: bytes, random: Random) -> tuple[str, bytes]:
    """Damage a JSON lines file: a value of one line, whole lines, or its bytes."""
    lines = content.splitlines(keepends=True)
    number = random.randrange(len(lines))
    kind = random.choice(["value"] * 8 + ["replace", "remove", "repeat", "swap", "cut", "bytes"])
    match kind:
        case "bytes":
            return byte_damage(content, random)
        case "value":
            what, value = change_value(json.loads(lines[number]), random)
            lines[number] = dump(value).encode("utf-8", "surrogatepass") + b"\n"
            kind = what
        case "replace":
            lines[number] = dump(hostile_value(random)).encode("utf-8", "surrogatepass") + b"\n"
        case "remove":
            del lines[number]
        case "repeat":
            lines.insert(random.randrange(len(lines)), lines[number])
        case "swap":
            other = random.randrange(len(lines))
            lines[number], lines[other] = lines[other], lines[number]
        case _:
            del lines[number : number + random.randrange(1, 10)]
    return f"line {number + 1}: {kind}", b"".join(lines)


def one_of(*damages: Damage) -> Damage:
    """Return a damage that applies one of the given ones, chosen at random for each case."""

    def damage(content: bytes, random: Random) -> tuple[str, bytes]:
        return random.choice(damages)(content, random)

    return damage


def _place(value: Any, random: Random) -> tuple[Any, Any, str]:
    """Return a random mapping or list in a value, one of its keys, and the path to it."""
    places: list[tuple[Any, Any, str]] = []

    def collect(holder: Any, path: str) -> None:
        keys = holder if isinstance(holder, dict) else range(len(holder))
        # A few places of a long list, such as a confusion matrix, are enough.
        for key in list(keys)[:40]:
            places.append((holder, key, f"{path}.{key}"))
            if isinstance(holder[key], dict | list):
                collect(holder[key], f"{path}.{key}")

    collect(value, "")
    return random.choice(places) if places else ([None], 0, "")


def _add(holder: Any, value: Any) -> None:
    if isinstance(holder, dict):
        holder["foo"] = value
    else:
        holder.append(value)


def _other_type(value: Any) -> Any:
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return list(value.items())
    return dict(enumerate(value)) if isinstance(value, list) else str(value)
