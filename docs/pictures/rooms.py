"""Picture of the rooms of the package, with each room above the rooms that it imports."""

import ast
from functools import cache
from itertools import groupby
from pathlib import Path

from docs.pictures.svg import (
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    PALE_BLUE,
    PALE_GREEN,
    PALE_ORANGE,
    badge,
    document,
    rect,
    text,
)

PACKAGE = Path(__file__).resolve().parents[2] / "tune_mnist"
COMMANDS = ("__main__", "search", "train", "report", "predict", "export")

CAPTIONS = {
    "commands": "search, train, report, predict, export",
    "api": "run_search, run_training, load_results",
    "reporting": "tables, plots and page from a results folder",
    "inference": "pictures in, probabilities out; export",
    "training": "optimizer, epoch loop, checkpoint",
    "data": "images, classes, 80/20 split, batches",
    "models": "networks, one class each",
    "base": "errors, files, safe paths, signals",
    "tuning": "one search from start to end",
    "tuning.running": "trials under Ray Tune; reasons to stop",
    "tuning.results_folder": "set-up, lock and origin of a search",
    "tuning.watching": "terminal, TensorBoard, MLflow, dashboard",
    "tuning.final": "full validation; runs on the test set",
    "tuning.planning": "workers, speeds, expected time",
    "tuning.options": "options of a search, one field each",
    "tuning.schedulers": "which trials continue, pause or end",
    "tuning.searching": "which configuration comes next",
    "tuning.cluster": "Ray: started or joined; nodes, token",
    "tuning.recording": "the study: each trial, epoch by epoch",
    "tuning.ray_internals": "all private parts of Ray",
    "tuning.trials": "one trial on its worker",
    "tuning.spaces": "search spaces and stages",
    "tuning.storage": "checkpoints in folders and buckets",
}
ROUTE = (
    "tuning.spaces",
    "tuning.searching",
    "tuning.schedulers",
    "tuning.trials",
    "tuning.recording",
    "reporting",
)
"""Rooms that a configuration passes through, in order."""

_WIDTH, _MARGIN, _GAP = 640, 16, 7
_BAR, _BOX = 30, 46


def room_of(module: str) -> str:
    """Return the room of the module with a given dotted path below the package."""
    first, _, rest = module.partition(".")
    if not (PACKAGE / first).is_dir():
        command = any(first == name or first.startswith(f"{name}_") for name in COMMANDS)
        return "commands" if command else "base"
    second = rest.partition(".")[0]
    inner = first == "tuning" and second and (PACKAGE / first / second).is_dir()
    return f"{first}.{second}" if inner else first


@cache
def imports_by_room() -> dict[str, set[str]]:
    """Return the other rooms that each room imports."""
    found: dict[str, set[str]] = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        module = ".".join(path.relative_to(PACKAGE).with_suffix("").parts)
        room = room_of(module)
        found.setdefault(room, set())
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("tune_mnist."):
                found[room].add(room_of((node.module or "").removeprefix("tune_mnist.")))
    return {room: others - {room} for room, others in found.items()}


@cache
def floor(room: str) -> int:
    """Return the length of the longest chain of imports that starts at a room."""
    return max((floor(other) + 1 for other in imports_by_room()[room]), default=0)


def draw() -> str:
    """Return the picture as SVG."""
    rooms = sorted(imports_by_room(), key=lambda room: (-floor(room), room))
    above = [room for room in rooms if room in ("commands", "api", "reporting")]
    inside = [room for room in rooms if room.startswith("tuning")]
    below = [room for room in rooms if room not in above + inside]
    y: float = _MARGIN + 14
    shapes = [text(_MARGIN, y, "A room imports only rooms below it.", fill=GREY)]
    y += _GAP
    for room in above:
        shapes += _bar(room, _MARGIN, y, _WIDTH - 2 * _MARGIN, PALE_ORANGE, ORANGE)
        y += _BAR + _GAP
    frame, height = _frame(y, inside)
    shapes += frame
    y += height + 2 * _GAP + 8
    shapes.append(text(_MARGIN, y, "Plain PyTorch: no Ray, no Optuna.", fill=GREY))
    y += _GAP
    for room in below:
        shapes += _bar(room, _MARGIN, y, _WIDTH - 2 * _MARGIN, PALE_GREEN, GREEN)
        y += _BAR + _GAP
    shapes += [badge(_MARGIN + 10, y + 14, 1), badge(_MARGIN + 56, y + 14, len(ROUTE))]
    shapes.append(text(_MARGIN + 27, y + 19, "to", fill=GREY))
    route = "the rooms that one configuration passes, in this order"
    shapes.append(text(_MARGIN + 74, y + 19, route, fill=GREY))
    title = "The rooms of tune_mnist; a room imports only rooms below it"
    return document(_WIDTH, y + 40, title, shapes)


def _frame(y: float, rooms: list[str]) -> tuple[list[str], float]:
    """Draw ``tuning`` and the rooms in it, highest floor first; return shapes and height."""
    left, width = _MARGIN + _GAP, _WIDTH - 2 * _MARGIN - 2 * _GAP
    top = y + 30
    shapes = [text(left, y + 20, "tuning/", size=14, bold=True)]
    shapes.append(text(left + width, y + 20, "all of Ray and Optuna", fill=GREY, anchor="end"))
    for _, group in groupby(rooms, key=floor):
        names = list(group)
        if len(names) == 1:
            shapes += _bar(names[0], left, top, width, PALE_BLUE, BLUE)
            top += _BAR + _GAP
        else:
            half = (width - _GAP) / 2
            for column, room in enumerate(names):
                x = left + column % 2 * (half + _GAP)
                row = top + column // 2 * (_BOX + _GAP)
                shapes += _box(room, x, row, half, PALE_BLUE, BLUE)
            top += (len(names) + 1) // 2 * (_BOX + _GAP)
    frame = rect(_MARGIN, y, _WIDTH - 2 * _MARGIN, top - y, fill="#f5f9fd", edge=BLUE)
    return [frame, *shapes], top - y


def _bar(room: str, x: float, y: float, width: float, fill: str, edge: str) -> list[str]:
    """Draw a room as wide as the picture, with the caption beside the name."""
    beside = x + (236 if room == "tuning" else 150)
    return [
        rect(x, y, width, _BAR, fill=fill, edge=edge),
        text(x + 10, y + 20, shown_name(room), size=14, bold=True),
        text(beside, y + 20, CAPTIONS[room]),
        *_route_badge(room, x + width - 18, y + _BAR / 2),
    ]


def _box(room: str, x: float, y: float, width: float, fill: str, edge: str) -> list[str]:
    """Draw a room half as wide as the picture, with the caption below the name."""
    return [
        rect(x, y, width, _BOX, fill=fill, edge=edge),
        text(x + 10, y + 19, shown_name(room), size=14, bold=True),
        text(x + 10, y + 36, CAPTIONS[room]),
        *_route_badge(room, x + width - 18, y + 15),
    ]


def shown_name(room: str) -> str:
    """Return the name of a room in the picture."""
    names = {"base": "base", "commands": "commands", "tuning": "experiment, preparation"}
    return names.get(room, f"{room.rpartition('.')[2]}/")


def _route_badge(room: str, x: float, y: float) -> list[str]:
    return [badge(x, y, ROUTE.index(room) + 1)] if room in ROUTE else []
