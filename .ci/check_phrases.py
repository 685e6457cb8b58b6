"""Refuse the phrases of ``phrases.txt`` in source code and documents.

Checks all files of the repository, or only those under the paths given as arguments.
"""

import re
import subprocess
import sys
from pathlib import Path

FOLDER = Path(__file__).parent
CHECKED = re.compile(r".*\.(py|pyi|md|yaml|yml|toml|html|js|css|sh|ipynb)|.*Makefile|.*Dockerfile")
RESULTS = "results/"
"""Stored output of searches, which no contributor edits."""


def read_entries(path: Path) -> list[str]:
    """Return the lines of a file that are neither empty nor comments."""
    lines = (line.strip() for line in path.read_text(encoding="utf-8").splitlines())
    return [line for line in lines if line and not line.startswith("#")]


def read_phrases() -> dict[str, str]:
    """Return the replacement for each refused phrase."""
    return dict(entry.split(" -> ", maxsplit=1) for entry in read_entries(FOLDER / "phrases.txt"))


def phrase_pattern(phrases: list[str]) -> re.Pattern[str]:
    """Return a pattern for whole words, also where a comment or docstring wraps a phrase."""
    longest_first = sorted(phrases, key=len, reverse=True)
    alternatives = (r"\s+(?:#\s*)?".join(phrase.split()) for phrase in longest_first)
    return re.compile(rf"(?<![\w-])({'|'.join(alternatives)})(?![\w-])", re.IGNORECASE)


def find_phrases(text: str, pattern: re.Pattern[str]) -> list[tuple[int, str]]:
    """Return the line number and the wording of each refused phrase in a text."""
    return [
        (text.count("\n", 0, match.start()) + 1, " ".join(match[0].replace("#", " ").split()))
        for match in pattern.finditer(text)
    ]


def checked_files(paths: list[str]) -> list[str]:
    """Return the files under the given paths, or all files of the repository without paths."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--", *paths]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return [
        name
        for name in output.splitlines()
        if CHECKED.fullmatch(name) and not name.startswith(RESULTS) and Path(name).is_file()
    ]


def main(paths: list[str]) -> int:
    """Print each refused phrase with its replacement; return the exit status."""
    if not Path(".git").exists():
        print("wording not checked: not a Git checkout")
        return 0
    phrases = read_phrases()
    pattern = phrase_pattern(list(phrases))
    found = 0
    for name in checked_files(paths):
        for line, wording in find_phrases(Path(name).read_text(encoding="utf-8"), pattern):
            found += 1
            print(f'{name}:{line}: "{wording}": write {phrases[wording.lower()]}')
    if found:
        print(f"{found} refused phrases (.ci/phrases.txt)")
    return int(found > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
