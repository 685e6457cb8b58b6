"""``results/README.md`` shows the stored searches, and a search is stored without its weights."""

import json
from pathlib import Path

import pytest

from docs.add_results import add_results
from docs.generate_results import RESULTS, results_page
from tests.messages import assert_refused
from tests.reporting.searches import ONE_MODEL, Search
from tune_mnist import load_results
from tune_mnist.reporting.search_report import report_searches

PAGE = RESULTS / "README.md"
MAX_FOLDER = 60_000
"""Most bytes of a stored search of ten trials."""


def store(search: Search, directory: Path) -> Path:
    """Store a search in a directory; return its folder there."""
    return add_results(search.directory, directory)


def rows(page: str, name: str) -> list[dict[str, str]]:
    """Return the rows of a search in the tables of a page, by heading."""
    found = []
    headings: list[str] = []
    for line in page.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if not line.startswith("|"):
            headings = []
        elif not headings:
            headings = cells
        elif f"]({name}/summary.md)" in line:
            found.append(dict(zip(headings, cells, strict=True)))
    return found


@pytest.fixture
def tested(tmp_path: Path) -> Search:
    """A finished search over two networks, both tested with two seeds."""
    search = Search(tmp_path / "tested", final_seeds=2, num_samples=2)
    lenet = search.trial(0.5, 0.6, 0.7)
    resnet = search.trial(0.7, 0.8, 0.75, model="resnet")
    for seed, right in enumerate((90, 94)):
        search.final("lenet", lenet, seed, [[right, 100 - right], [0, 100]])
        search.final("resnet", resnet, seed, [[right - 40, 140 - right], [0, 100]])
    return search


@pytest.mark.skipif(not PAGE.exists(), reason="no results in a source distribution")
def test_the_page_shows_the_stored_searches() -> None:
    assert results_page() == PAGE.read_text(encoding="utf-8"), "run: make results"


def test_the_network_with_the_best_test_accuracy_is_first(tested: Search, tmp_path: Path) -> None:
    store(tested, tmp_path / "results")
    page = results_page(tmp_path / "results")
    first, second, *searches = rows(page, "tested")
    assert (first["Network"], second["Network"]) == ("lenet", "resnet")
    assert first["Test accuracy"] == "0.9600 ± 0.0141 (2 seeds)"
    assert first["95% interval"] == "0.8329 to 1.0000"
    assert first["Validation accuracy (selected)"] == "0.7000"
    assert first["Parameters"] == "61,706"
    assert [row["Question"] for row in searches] == ["two architectures"] * 2
    assert [row["Trials x epochs"] for row in searches] == ["1 x 3"] * 2
    assert searches[0]["Hardware"] == "1 node; a machine, 2 cores"
    assert searches[0]["Time"].endswith(" + 0:00:25")
    assert searches[0]["End"] == "complete"


def test_of_two_searches_the_tested_one_stands_for_a_network(
    tested: Search, tmp_path: Path
) -> None:
    untested = Search(tmp_path / "untested", ONE_MODEL, final_seeds=0, num_samples=1)
    untested.trial(0.9, 0.9, 0.99)
    for search in (tested, untested):
        store(search, tmp_path / "results")
    page = results_page(tmp_path / "results")
    assert len(rows(page, "tested")) == 4
    (row,) = rows(page, "untested")
    assert row["Test accuracy"] == "not tested"
    assert row["End"] == "complete"


def test_missing_final_runs_are_named(tested: Search, tmp_path: Path) -> None:
    (tested.directory / "final" / "resnet" / "seed-1.json").unlink()
    for path in (tested.directory / "final" / "lenet").iterdir():
        path.unlink()
    store(tested, tmp_path / "results")
    cells = {row["Network"]: row for row in rows(results_page(tmp_path / "results"), "tested")[2:]}
    assert "0 of 2 final runs" in cells["lenet"]["Test accuracy"]
    assert "1 of 2 seeds" in cells["resnet"]["Test accuracy"]
    assert all(row["End"] != "complete" for row in cells.values())


def test_an_interrupted_search_says_so(tmp_path: Path) -> None:
    search = Search(tmp_path / "cut-off", ONE_MODEL, final_seeds=0, num_samples=8)
    search.trial(0.5, 0.6, 0.7)
    search.trial(0.5, 0.8, ends=False)
    store(search, tmp_path / "results")
    (_, row) = rows(results_page(tmp_path / "results"), "cut-off")
    assert row["Validation accuracy (selected)"] == "0.8000"
    assert row["End"] == "interrupted: 1 of 8 trials ended"


def test_a_folder_in_which_a_search_ran_is_left_out(tested: Search, tmp_path: Path) -> None:
    folder = store(tested, tmp_path / "results")
    assert rows(results_page(tmp_path / "results"), "tested")
    (folder / ".lock").touch()
    assert not rows(results_page(tmp_path / "results"), "tested")


def test_a_stored_search_is_small_and_can_be_read_and_reported(
    tested: Search, tmp_path: Path
) -> None:
    for _ in range(8):
        tested.trial(0.1, 0.2, 0.3)
    for name in ("best/lenet/model.pt", "report.html", "ray/trial/result.json", ".lock"):
        path = tested.directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(bytes(100_000))
    folder = store(tested, tmp_path / "results")
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) < MAX_FOLDER
    assert {path.suffix for path in files} == {".json", ".journal", ".csv", ".md"}
    before, after = load_results(tested.directory), load_results(folder)
    assert after.trials.equals(before.trials)
    assert after.best == before.best
    report_searches([folder], tmp_path / "report")
    assert (tmp_path / "report" / "report.html").exists()


def stored_with(tmp_path: Path, *commands: str, **options: str) -> tuple[list[str], str]:
    """Return the commands of a stored search ``x``, and the text of all its files."""
    search = Search(tmp_path / "x", ONE_MODEL)
    search.trial(0.5)
    path = search.directory / "experiment.json"
    experiment = json.loads(path.read_text("utf-8"))
    experiment["commands"] = list(commands)
    experiment["options"] |= options
    path.write_text(json.dumps(experiment), encoding="utf-8")
    folder = store(search, tmp_path / "results")
    texts = [each.read_text("utf-8") for each in folder.rglob("*") if each.is_file()]
    stored = json.loads((folder / "experiment.json").read_text("utf-8"))
    return stored["commands"], "".join(texts)


@pytest.mark.parametrize(
    ("commands", "shown"),
    [
        (
            ["search --output-dir /home/ann --name x", "search --resume /home/ann/x"],
            ["search --name x", "search --resume results/x"],
        ),
        (
            ["search --output-dir '/home/ann/my runs' --name x", "search --resume='../my runs/x'"],
            ["search --name x", "search --resume results/x"],
        ),
        (
            ["search --output-dir=/ --models a/b.py --warm-start /y", "search --resume /x"],
            ["search --models a/b.py --warm-start results/y", "search --resume results/x"],
        ),
        (
            [
                "search --tensorboard --data-dir /home/ann/pictures --storage-path"
                " s3://ann-bucket/runs --address ray://ann-host:10001 --mlflow http://ann-host:5000"
                " --space ~ann/s.yaml --models 'C:\\ann\\net.py' --lr=-1"
            ],
            [
                "search --tensorboard --data-dir pictures --storage-path runs --space s.yaml"
                " --models net.py --lr -1"
            ],
        ),
        (
            [
                "run_search(space={'model': 'lenet', 'lr': [0.1, True]}, dataset=<arrays>,"
                " output_dir='/home/ann/my runs', models=['/home/ann/net.py'], num_samples=4)",
                "run_search(resume='/home/ann/my runs/x', address='ann-host:6379')",
            ],
            [
                "run_search(space={'model': 'lenet', 'lr': [0.1, True]}, dataset=<arrays>,"
                " models=['net.py'], num_samples=4)",
                "run_search(resume='results/x')",
            ],
        ),
        (["run_search(space={'ann': '... more)"], ["run_search(...)"]),
        (["search --name 'ann"], ["search"]),
        (["search --resume '' --name x --num-samples 4"],) * 2,
    ],
)
def test_commands_of_a_stored_search_contain_no_private_path(
    commands: list[str], shown: list[str], tmp_path: Path
) -> None:
    assert stored_with(tmp_path, *commands)[0] == shown


def test_options_of_a_stored_search_contain_no_private_path(tmp_path: Path) -> None:
    private = {
        "data_dir": "/home/ann/pictures",
        "warm_start": "/home/ann/runs/earlier",
        "storage_path": "s3://ann-bucket/runs",
        "address": "ann-host:6379",
        "mlflow": "http://ann-host:5000",
    }
    assert "/home/ann" not in (text := stored_with(tmp_path, "search", **private)[1])
    assert not any(each in text for each in ("ann-bucket", "ann-host"))


def test_a_search_that_cannot_be_stored_leaves_nothing(tested: Search, tmp_path: Path) -> None:
    empty = Search(tmp_path / "empty")
    assert_refused([str(empty.directory)], store, empty, tmp_path / "results")
    assert not (tmp_path / "results" / "empty").exists()
    store(tested, tmp_path / "results")
    stored = tmp_path / "results" / "tested"
    assert_refused([str(stored)], store, tested, tmp_path / "results")
    assert [path.name for path in (tmp_path / "results").iterdir()] == ["tested"]
