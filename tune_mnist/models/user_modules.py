"""Import of modules that define networks of the user.

Code is loaded only from modules named on the command line or by the calling program, never because
of a space file, a results folder or a checkpoint.
"""

import hashlib
import importlib
import importlib.util
import re
import shlex
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

from tune_mnist.errors import UserError, line_in
from tune_mnist.files import read_limited
from tune_mnist.models import registry
from tune_mnist.network_modules import FLAG, is_path, require_files

MAX_SOURCE_BYTES = 4_000_000
_SAFE_NAME = "tune_mnist_user_networks_"
_MODULE = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*")

_loaded: dict[str, str] = {}
"""Module name of each loaded file, keyed by resolved path."""

_digests: dict[str, str] = {}
"""SHA-256 of the source of each loaded file, keyed by module name."""

_given: dict[str, None] = {}
"""Arguments of ``load_models`` in order, used as an ordered set."""


def load_models(given: Iterable[str]) -> None:
    """Import modules that register the user's networks, unless they are already imported.

    Args:
        given: Paths of Python files, or names of importable modules (``package.module``).

    Raises:
        UserError: A module does not exist, cannot be imported or registers no network, or a
            network is invalid or its name is taken.
    """
    given = tuple(given)
    require_files(given)
    for name in given:
        where = f"{FLAG} {name}"
        module = _load_file(Path(name), where) if is_path(name) else _import(name, where)
        if not registry.registered_in(module):
            raise UserError(
                f"{where}: the module registers no network: decorate the class of the network with"
                " @register_model(...)"
            )
        _given[name] = None


def repeated_flags() -> str:
    """Return the ``--models`` flags that load the modules of this process again."""
    return "".join(f" {FLAG} {shlex.quote(name)}" for name in _given)


def source_digests(models: Iterable[str]) -> dict[str, str]:
    """Return the SHA-256 of the source file of each user-defined network, keyed by architecture.

    Args:
        models: Names of architectures. Shipped networks are omitted from the result, and so are
            networks that are not defined in a file.
    """
    wanted = set(models)
    return {
        each.name: digest
        for each in registry.own_networks()
        if each.name in wanted and (digest := _digest_of(each.build.__module__)) is not None
    }


def _digest_of(module: str) -> str | None:
    if module in _digests:
        return _digests[module]
    path = getattr(sys.modules.get(module), "__file__", None)
    try:
        return hashlib.sha256(Path(path).read_bytes()).hexdigest() if path else None
    except OSError:
        return None


def _load_file(path: Path, where: str) -> str:
    """Import a file under a unique module name and return that name."""
    source = read_limited(path, MAX_SOURCE_BYTES)
    digest = hashlib.sha256(source).hexdigest()
    key = str(path.resolve())
    # A file called torch.py must not become the module torch.
    name = f"{_SAFE_NAME}{re.sub(r'[^0-9A-Za-z]', '_', path.stem)}_{digest[:12]}"
    if _loaded.get(key) == name:
        return name
    if key in _loaded:  # an earlier version of the file
        registry.forget_module(_loaded.pop(key))
    module = ModuleType(name)
    module.__file__ = key
    with _errors_named(where, path, name):
        code = compile(source, key, "exec")
        sys.modules[name] = module
        exec(code, module.__dict__)  # noqa: S102 - the command line names this file
    _loaded[key], _digests[name] = name, digest
    return name


def _import(name: str, where: str) -> str:
    """Import a module by name. The current folder is searched last."""
    if not _MODULE.fullmatch(name):
        raise UserError(
            f"{where} must be the path of a .py file or the name of a module (package.module)"
        )
    here = str(Path.cwd())
    if here not in sys.path and "" not in sys.path:
        sys.path.append(here)  # last, so that it does not shadow installed modules
    with _errors_named(where, None, name):
        importlib.import_module(name)
    return name


@contextmanager
def _errors_named(where: str, path: Path | None, name: str) -> Iterator[None]:
    """Context manager that converts errors of an import to UserError and unregisters networks."""
    try:
        yield
    except (Exception, SystemExit) as error:
        registry.forget_module(name)
        sys.modules.pop(name, None)
        if isinstance(error, UserError):
            raise UserError(f"{where}: {error}") from None
        missing = isinstance(error, ModuleNotFoundError) and f"{name}.".startswith(
            f"{error.name}."
        )
        if missing:
            raise UserError(
                f"{where}: there is no module of that name (the path of a file must end in .py)"
            ) from None
        line = _line_of(error, path)
        at = f" in line {line}" if line else ""
        # The text of a SyntaxError ends with the file name and the line number.
        said = error.msg if isinstance(error, SyntaxError) else str(error)
        kind, text = type(error).__name__, said.strip()
        reason = f"{kind}: {text.splitlines()[-1]}" if text else kind
        raise UserError(f"{where}: cannot be imported: {reason}{at}") from None


def _line_of(error: BaseException, path: Path | None) -> int | None:
    """Return the line number of a file at which an error was raised, or None."""
    if path is None:
        return None
    if isinstance(error, SyntaxError):
        return error.lineno
    return line_in(error, str(path.resolve()))
