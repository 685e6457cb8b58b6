"""Content of the built wheel."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SPACES = {path.relative_to(ROOT).as_posix() for path in ROOT.glob("search_spaces/**/*.yaml")}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    # Not `pip wheel`, which would download hatchling, and fail without a network.
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", folder],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    (built,) = folder.glob("*.whl")
    return built


def test_the_wheel_holds_code_and_spaces_only(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    spaces = {name for name in names if name.startswith("tune_mnist/search_spaces/")}
    assert spaces == {f"tune_mnist/{name}" for name in SPACES}
    top = {name.split("/")[0] for name in names}
    assert {name for name in top if not name.endswith(".dist-info")} == {"tune_mnist"}
    assert "tune_mnist/tuning/spaces/space.py" in names


def test_the_wheel_holds_the_templates_of_the_page(wheel: Path) -> None:
    reporting = ROOT / "tune_mnist" / "reporting"
    files = [*(reporting / "templates").iterdir(), *(reporting / "plotly_js").glob("[!_]*")]
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {path.relative_to(ROOT).as_posix() for path in files} <= names


def test_the_wheel_declares_the_console_script(wheel: Path) -> None:
    archive = zipfile.ZipFile(wheel)
    (entry,) = (name for name in archive.namelist() if name.endswith("entry_points.txt"))
    assert "tune-mnist = tune_mnist.__main__:main" in archive.read(entry).decode()


def test_an_installed_space_is_found_by_name_from_any_folder(wheel: Path, tmp_path: Path) -> None:
    installed, elsewhere = tmp_path / "site", tmp_path / "elsewhere"
    zipfile.ZipFile(wheel).extractall(installed)
    elsewhere.mkdir()
    names = sorted(path.stem for path in (ROOT / "search_spaces").glob("*.yaml"))
    code = (
        "from tune_mnist.tuning.spaces.space import load_space;"
        f"print(*(load_space(name).path for name in {names}))"
    )
    result = subprocess.run(
        [sys.executable, "-c", code],
        cwd=elsewhere,
        env=os.environ | {"PYTHONPATH": str(installed)},
        check=True,
        capture_output=True,
        text=True,
    )
    folder = installed / "tune_mnist" / "search_spaces"
    assert result.stdout.split() == [str(folder / f"{name}.yaml") for name in names]
