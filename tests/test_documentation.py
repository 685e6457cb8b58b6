"""The documents are current, and their commands, search spaces and networks are valid."""

import re
import shlex
from pathlib import Path

import click
import pytest

from benchmarks.results_page import PAGE, results_page
from tests.networks import forget_networks
from tune_mnist.__main__ import cli
from tune_mnist.models import registry
from tune_mnist.models.contract import check_network
from tune_mnist.models.user_modules import load_models
from tune_mnist.tuning.spaces.space import load_space

ROOT = Path(__file__).resolve().parents[1]
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
FENCED = re.compile(r"^```+ *(\w*)[^\n]*\n(.*?)^```+$", flags=re.DOTALL | re.MULTILINE)
COMMAND = re.compile(r"-m tune_mnist\.(\w+)((?:[^\n\\]|\\\n)*)")


def blocks(language: str, containing: str) -> list:
    """Return the fenced blocks of one language that contain a text, named by their documents."""
    return [
        pytest.param(block[2], id=f"{path.relative_to(ROOT)}:{block.start()}")
        for path in DOCUMENTS
        for block in FENCED.finditer(path.read_text(encoding="utf-8"))
        if block[1] == language and containing in block[2]
    ]


def commands() -> list:
    return [
        pytest.param(name, line.split("#")[0], id=f"{path.relative_to(ROOT)}:{name}")
        for path in DOCUMENTS
        for block in FENCED.finditer(path.read_text(encoding="utf-8"))
        for name, line in COMMAND.findall(block[2])
    ]


def test_the_results_page_shows_the_committed_measurements():
    written = PAGE.read_text(encoding="utf-8")
    assert results_page(written) == written, "run: make docs"


@pytest.mark.parametrize(("name", "line"), commands())
def test_a_command_in_the_documents_names_only_options_of_that_command(name, line):
    command = cli.commands[name]
    context = click.Context(command)
    known = {flag for option in command.get_params(context) for flag in option.opts}
    words = shlex.split(line.replace("\\\n", " ").replace("'", ""))
    named = {word.partition("=")[0] for word in words if word.startswith("--")}
    assert named <= known


@pytest.fixture(scope="module")
def networks(tmp_path_factory):
    """Register the networks of the documents and the examples, and yield their names."""
    load_models([str(ROOT / "examples" / "own_network.py")])
    names = ["my-cnn"]
    for number, block in enumerate(blocks("python", "import register_model")):
        path = tmp_path_factory.mktemp("networks") / f"network_{number}.py"
        path.write_text(block.values[0])
        load_models([str(path)])
        names += re.findall(r'@register_model\("([\w-]+)"', block.values[0])
    yield names
    forget_networks()


def test_the_networks_of_the_documents_keep_the_contract(networks):
    assert networks
    for name in networks:
        check_network(name, 3, 3, 32, {})


@pytest.mark.usefixtures("networks")
@pytest.mark.parametrize("text", blocks("yaml", "parameters:\n"))
def test_a_space_in_the_documents_is_valid(text, tmp_path):
    path = tmp_path / "space.yaml"
    path.write_text(text)
    space = load_space(str(path))
    assert space.parameter_names
    # A network of the reader's own would otherwise get images of 64x64 pixels.
    if not set(space.models) <= set(registry.SHIPPED):
        assert space.defaults.image_size
