"""The examples, each run in an empty folder and with ``--help``."""

from pathlib import Path

import nbclient
import nbformat
import pytest

from tests.e2e.commands import script
from tests.messages import assert_named, is_named
from tests.waiting import PATIENCE
from tune_mnist import load_results

pytestmark = pytest.mark.e2e
EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
LIVE = "application/vnd.jupyter.widget-view+json"
PLOTLY = "application/vnd.plotly.v1+json"


def test_the_example_of_the_python_api_runs(tmp_path, small_ray, capsys):
    script(EXAMPLES / "python_api.py", folder=tmp_path)
    out = capsys.readouterr().out
    (report,) = tmp_path.glob("results/*/report.html")
    assert str(report.relative_to(tmp_path)) in out
    results = load_results(report.parent)
    assert len(results.trials) == 6
    assert list(results.best["lenet"].test_accuracies) == [0]
    assert f"{results.trials['val_accuracy'].max():.4f}" in out
    assert (report.parent / "history.html").exists()
    assert len(list(tmp_path.glob("results/*/epochs.csv"))) == 1


@pytest.fixture(params=sorted(EXAMPLES.glob("*.py")), ids=lambda path: path.name)
def example(request, networks_forgotten):
    return request.param


def test_an_example_describes_itself(example, tmp_path, capsys):
    with pytest.raises(SystemExit) as ended:
        script(example, "--help", folder=tmp_path)
    assert ended.value.code == 0
    assert f"python examples/{example.name}" in capsys.readouterr().out
    assert list(tmp_path.iterdir()) == []


def test_an_example_refuses_other_options(example, tmp_path, capsys):
    with pytest.raises(SystemExit) as ended:
        script(example, "--wrong", folder=tmp_path)
    assert ended.value.code == 2
    assert_named([example.name, "--wrong"], capsys.readouterr().err.splitlines()[-1])
    assert list(tmp_path.iterdir()) == []


def test_the_notebook_shows_a_live_table_and_a_plot_when_run(tmp_path):
    notebook = nbformat.read(EXAMPLES / "first_search.ipynb", as_version=4)
    assert not any(cell.get("outputs") for cell in notebook.cells), "commit it without outputs"
    place = {"metadata": {"path": tmp_path}}
    nbclient.NotebookClient(
        notebook, timeout=PATIENCE, startup_timeout=PATIENCE, resources=place
    ).execute()
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    kinds = {kind for output in outputs for kind in output.get("data", {})}
    assert {LIVE, PLOTLY} <= kinds
    # The live table has not replaced the output before it.
    texts = [output["data"].get("text/plain", "") for output in outputs if "data" in output]
    assert any(is_named("1,149", text) for text in texts)
    assert not any(output.get("name") == "stderr" for output in outputs)
