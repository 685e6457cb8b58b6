"""Only one package uses private parts of Ray."""

import ast
import importlib
import inspect
import pkgutil
from pathlib import Path

import pytest

import tune_mnist

ROOT = Path(tune_mnist.__file__).parents[1]
ROOM = ROOT / "tune_mnist" / "tuning" / "ray_internals"


def modules():
    folders = [ROOT / "tune_mnist", ROOT / "examples", ROOT / "benchmarks"]
    found = [path for folder in folders for path in sorted(folder.rglob("*.py"))]
    return [path for path in found if not path.is_relative_to(ROOM)]


def is_private(name):
    parts = name.split(".")
    return parts[0] == "ray" and (
        any(part.startswith("_") for part in parts)
        or name.startswith(("ray.air.execution", "ray.tune.execution", "ray.train.v2"))
    )


def imports(tree):
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield from (f"{node.module}.{name.name}" for name in node.names)


def defined(tree):
    """Return the names that a module defines or assigns."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            if isinstance(node.value, ast.Name) and node.value.id == "self":
                yield node.attr
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id


def package_names():
    """Return the names that other modules define, because a class may inherit them."""
    return {name for path in modules() for name in defined(ast.parse(path.read_text("utf-8")))}


INHERITED = package_names()


def private_parts(tree):
    """Return the private imports of Ray, and foreign private names in a module that uses Ray."""
    imported = list(imports(tree))
    found = {name for name in imported if is_private(name)}
    if any(name == "ray" or name.startswith("ray.") for name in imported):
        own = set(defined(tree))
        found |= {
            node.attr
            for node in ast.walk(tree)
            if isinstance(node, ast.Attribute)
            and node.attr.startswith("_")
            and not node.attr.startswith("__")
            and node.attr not in own
            and not (ast.unparse(node.value) == "self" and node.attr in INHERITED)
        }
        found |= {
            keyword.arg
            for node in ast.walk(tree)
            if isinstance(node, ast.Call)
            for keyword in node.keywords
            if keyword.arg and keyword.arg.startswith("_")
        }
    return found


def test_no_other_module_uses_a_private_part_of_ray():
    used = {
        str(path.relative_to(ROOT)): private_parts(ast.parse(path.read_text("utf-8")))
        for path in modules()
    }
    assert {path: names for path, names in used.items() if names} == {}


@pytest.mark.parametrize(
    "code",
    [
        "from ray._private import ray_constants",
        "import ray._private.services",
        "from ray.air.execution._internal import actor_manager",
        "from ray.tune.execution.tune_controller import TuneController",
        "import ray\nray.worker._global_node",
        "from ray.tune.schedulers import ASHAScheduler\nASHAScheduler()._brackets = []",
        "import ray\nray.init(_temp_dir='x')",
    ],
)
def test_private_parts_are_detected(code):
    assert private_parts(ast.parse(code))


def test_no_other_class_overrides_a_private_part_of_ray():
    overridden = set()
    for module in pkgutil.walk_packages(tune_mnist.__path__, "tune_mnist."):
        if ".ray_internals" in module.name or module.name.endswith("__main__"):
            continue
        for _, kind in inspect.getmembers(importlib.import_module(module.name), inspect.isclass):
            if kind.__module__ != module.name:
                continue
            for base in kind.__mro__[1:]:
                if base.__module__.partition(".")[0] == "ray":
                    overridden |= {
                        f"{module.name}.{kind.__name__}.{name}"
                        for name in vars(kind).keys() & vars(base).keys()
                        if name.startswith("_") and not name.startswith("__")
                    }
    assert overridden - {name for name in overridden if name.endswith("._abc_impl")} == set()
