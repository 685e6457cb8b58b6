"""The examples, each run in an empty folder and with ``--help``."""

import subprocess
import sys
from pathlib import Path

import nbclient
import nbformat
import pytest

from tests.e2e.commands import python
from tests.waiting import PATIENCE
from tune_mnist import load_results

pytestmark = pytest.mark.e2e
EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
LIVE = "application/vnd.jupyter.widget-view+json"
PLOTLY = "application/vnd.plotly.v1+json"


def test_the_example_of_the_python_api_runs(tmp_path):
    result = python(str(EXAMPLES / "python_api.py"), folder=tmp_path)
    assert "best of 6 trials: #" in result.stdout
    (report,) = tmp_path.glob("results/*/report.html")
    assert str(report.relative_to(tmp_path)) in result.stdout
    assert list(load_results(report.parent).best["lenet"].test_accuracies) == [0]
    assert (report.parent / "history.html").exists()
    assert len(list(tmp_path.glob("results/*/epochs.csv"))) == 1


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.py")), ids=lambda path: path.name)
def test_an_example_describes_itself_and_refuses_other_options(path, tmp_path):
    def run(option):
        return subprocess.run(
            [sys.executable, path, option],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
        )

    described = run("--help")
    assert (described.returncode, described.stderr) == (0, "")
    assert described.stdout.startswith("Run a search")
    assert f"python examples/{path.name}" in described.stdout
    refused = run("--wrong")
    assert (refused.returncode, refused.stdout) == (2, "")
    assert refused.stderr == f"{path.name}: error: unrecognized arguments: --wrong\n"
    assert list(tmp_path.iterdir()) == []


def test_the_notebook_shows_a_live_table_and_a_plot_when_run(tmp_path):
    notebook = nbformat.read(EXAMPLES / "first_search.ipynb", as_version=4)
    assert not any(cell.get("outputs") for cell in notebook.cells), "commit it without outputs"
    place = {"metadata": {"path": tmp_path}}
    nbclient.NotebookClient(notebook, timeout=PATIENCE, resources=place).execute()
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    kinds = {kind for output in outputs for kind in output.get("data", {})}
    assert {LIVE, PLOTLY} <= kinds
    # The live table has not replaced the output before it.
    texts = [output["data"].get("text/plain", "") for output in outputs if "data" in output]
    assert any("1,149 of 1,149 training images" in text for text in texts)
    assert not any(output.get("name") == "stderr" for output in outputs)
