"""Imports between the rooms (subpackages): a room imports only the rooms below it."""

import ast
from collections import defaultdict
from pathlib import Path

import pytest

import tune_mnist
from docs.pictures.rooms import room_of

PACKAGE = Path(tune_mnist.__file__).parent
# From the bottom to the top, as in docs/contributing/architecture.md. "base" holds the modules
# that all rooms share, "commands" the modules that only commands need.
ROOMS = (
    "base",
    "models",
    "data",
    "training",
    "inference",
    "tuning.spaces",
    "tuning.storage",
    "tuning.trials",
    "tuning.ray_internals",
    "tuning.recording",
    "tuning.searching",
    "tuning.schedulers",
    "tuning.options",
    "tuning.cluster",
    "tuning.planning",
    "tuning.final",
    "tuning.results_folder",
    "tuning.watching",
    "tuning.running",
    "tuning",
    "reporting",
    "api",
    "commands",
)
NO_RAY = ("base", "data", "models", "training", "inference")


def imports(path: Path) -> set[str]:
    """Return all modules that a module imports, including imports inside functions."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found |= {f"{node.module}.{name.name}" for name in node.names}
    return found


def modules() -> dict[str, Path]:
    return {
        ".".join(path.relative_to(PACKAGE).with_suffix("").parts): path
        for path in PACKAGE.rglob("*.py")
        if path != PACKAGE / "__init__.py"
    }


def constants(path: Path) -> set[str]:
    """Return the public constants that a module defines."""
    targets = [
        target
        for node in ast.parse(path.read_text("utf-8")).body
        if isinstance(node, ast.Assign | ast.AnnAssign)
        for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
    ]
    names = {target.id for target in targets if isinstance(target, ast.Name)}
    return {name for name in names if name.isupper() and not name.startswith("_")}


def test_a_public_constant_has_one_home():
    homes = defaultdict(list)
    for module, path in modules().items():
        for name in constants(path):
            homes[name].append(module)
    assert {name: found for name, found in homes.items() if len(found) > 1} == {}


def test_every_room_is_listed():
    assert {room_of(module) for module in modules()} == set(ROOMS)


@pytest.mark.parametrize("name", ROOMS)
def test_a_room_imports_only_rooms_below_it(name):
    below = set(ROOMS[: ROOMS.index(name) + 1])
    above = {
        f"{module} imports {other}"
        for module, path in modules().items()
        if room_of(module) == name
        for other in imports(path)
        if other.startswith("tune_mnist.")
        and room_of(other.removeprefix("tune_mnist.")) not in below
    }
    assert above == set()


def test_training_imports_neither_ray_nor_optuna():
    wrong = {
        f"{module} imports {other}"
        for module, path in modules().items()
        if room_of(module) in NO_RAY
        for other in imports(path)
        if other.partition(".")[0] in ("ray", "optuna")
    }
    assert wrong == set()
