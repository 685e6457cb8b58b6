"""Recipes of CONTRIBUTING.md, applied to a copy of the project."""

import re
import shutil
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
COPIED = ("tune_mnist", "search_spaces", "tests", "pyproject.toml")

_SECTION = re.compile(r"^### (?P<name>.+?)\n(?P<body>.*?)(?=^##)", re.MULTILINE | re.DOTALL)
_BLOCK = re.compile(
    r'^```(?P<kind>\w+) title="(?P<path>[^"]+)"\n(?P<text>.*?)^```$', re.MULTILINE | re.DOTALL
)


@dataclass(frozen=True)
class Block:
    """A code block of a recipe: a new file, or a change of one.

    Attributes:
        path: Path of the file from the top of the repository.
        text: Content of the block.
        is_change: Whether its lines begin with ``+``, ``-`` or a space, as in a diff.
    """

    path: str
    text: str
    is_change: bool

    def apply(self, root: Path) -> None:
        """Write or change the file in a copy of the project."""
        file = root / self.path
        if not self.is_change:
            assert not file.exists(), f"{self.path} exists already"
            file.write_text(self.text, encoding="utf-8")
            return
        self.require_place(root)
        new = "\n".join(line[1:] for line in self.text.splitlines() if line[0] in " +")
        content = file.read_text(encoding="utf-8")
        file.write_text(content.replace(self._old, new), encoding="utf-8")

    def require_place(self, root: Path) -> None:
        """Check that the file has the lines that the block changes, once."""
        content = (root / self.path).read_text(encoding="utf-8")
        assert content.count(self._old) == 1, (
            f"CONTRIBUTING.md: a recipe changes these lines, which {self.path} does not have once"
            f" (any more); adapt the recipe:\n{self._old}"
        )

    @property
    def _old(self) -> str:
        return "\n".join(line[1:] for line in self.text.splitlines() if line[0] in " -")


def read_recipes() -> dict[str, list[Block]]:
    """Return the blocks of each recipe by its heading, such as ``A network``."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    recipes = text.partition("\n## Recipes\n")[2]
    return {
        section["name"]: [
            Block(block["path"], block["text"], is_change=block["kind"] == "diff")
            for block in _BLOCK.finditer(section["body"])
        ]
        for section in _SECTION.finditer(recipes)
    }


def copy_project(target: Path) -> Path:
    """Copy what the recipes change, and what tests it; return the copy's path."""
    target.mkdir()
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, target / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(source, target / name)
    return target
