"""The report command, which rebuilds tables and plots from results folders."""

from functools import partial

import pytest

from tests.messages import assert_named
from tests.reporting.searches import Search
from tune_mnist.report import report
from tune_mnist.tuning.recording.study import JOURNAL
from tune_mnist.tuning.recording.trial_record import NOT_LEARNED_YET

TABLES = ("best", "costs", "top", "effects")
FINALS = ("final", "final_runs", "recall", "confused")


@pytest.fixture
def command(run_command):
    """Return a function that calls the command: exit status, stdout and stderr."""
    return partial(run_command, report)


@pytest.fixture
def search(tmp_path):
    found = Search(tmp_path / "demo")
    found.trial(0.8, 0.9, 0.95)
    found.trial(0.7, model="resnet")
    found.trial(diverges=True, lr=0.09)
    return found


def written(folder):
    return {path.relative_to(folder).as_posix(): path.read_text() for path in folder.rglob("*.*")}


def test_one_search_is_shown_and_written(command, search):
    search.final("lenet", 0, 0, [[1, 0], [1, 1]])
    status, out, err = command(search.directory)
    assert (status, err) == (0, "")
    for fact in ("0.9500", "0.7000", "lenet", "resnet", "#2 DIVERGED", "train_loss is nan"):
        assert fact in out
    folder = search.directory / "tables"
    names = {path.name for path in folder.iterdir()}
    assert names == {f"{name}.{kind}" for name in TABLES + FINALS for kind in ("csv", "tex")}
    assert "0.95" in (folder / "best.csv").read_text()
    assert "a machine, 2 cores" in (folder / "best.tex").read_text()
    summary = (search.directory / "summary.md").read_text()
    facts = ("288 of 288 validation images", "28x28", "a machine", "`the command`", "seeds 0")
    for fact in (*facts, "3 trials (", "1 DIVERGED", "- #2 DIVERGED"):
        assert fact in summary


def test_reports_of_an_interrupted_search_are_reproducible(command, search):
    search.trial(0.85, ends=False)
    assert command(search.directory)[0] == 0
    first = written(search.directory)
    assert "1 INTERRUPTED" in first["summary.md"]
    # A killed driver leaves half a line behind, which counts as no trial.
    with (search.directory / JOURNAL).open("a") as journal:
        journal.write('{"op_code": 4, "worker')
    for name in first:
        if name.startswith(("summary", "tables/")):
            (search.directory / name).unlink()
    assert command(search.directory)[0] == 0
    again = written(search.directory)
    assert again.pop(JOURNAL) != first.pop(JOURNAL)
    assert again == first


def test_a_search_without_an_epoch_says_so(command, tmp_path):
    search = Search(tmp_path / "none")
    search.trial(ends=False)
    status, out, err = command(search.directory)
    assert (status, err) == (0, "")
    assert "INTERRUPTED" in out
    assert "INTERRUPTED" in (search.directory / "summary.md").read_text()
    assert not (search.directory / "tables").exists()


def test_a_trial_at_chance_level_is_not_called_the_best(command, tmp_path):
    search = Search(tmp_path / "early", chance_level=0.2)
    search.trial(0.11, ends=False)
    status, out, _ = command(search.directory)
    assert status == 0
    page = (search.directory / "report.html").read_text()
    header = page[page.index("<header>") : page.index("</header>")]
    for text in (out, header, (search.directory / "summary.md").read_text()):
        assert NOT_LEARNED_YET.lower() in text.lower()
        assert "0.1100" in text
        assert "best so far" not in text.lower()


def test_a_search_without_a_trial_says_so(command, tmp_path):
    status, out, _ = command(Search(tmp_path / "none").directory)
    assert status == 0
    assert "0 trials (none)" in out


def test_output_writes_nothing_into_the_results_folder(command, search, tmp_path):
    before = written(search.directory)
    assert command(search.directory, "--output", tmp_path / "new" / "folder")[0] == 0
    assert written(search.directory) == before
    assert (tmp_path / "new" / "folder" / "summary.md").exists()


def test_several_searches_are_compared_and_written_only_to_output(command, search, tmp_path):
    other = Search(tmp_path / "other", image_size=64)
    other.trial(0.6)
    before = written(tmp_path)
    status, out, _ = command(search.directory, other.directory)
    assert status == 0
    for fact in ("demo", "other", "0.9500", "0.6000"):
        assert fact in out
    assert written(tmp_path) == before
    target = tmp_path / "compared"
    assert command(search.directory, other.directory, "--output", target)[0] == 0
    page = (target / "comparison.md").read_text()
    heading = page.splitlines()[0]
    assert_named("demo other", heading)
    assert "digits, 1,149 of 1,149" in page
    assert heading.removeprefix("# ") in (target / "report.html").read_text()
    assert {path.stem for path in (target / "tables").iterdir()} == {"setups", "best", "costs"}


@pytest.mark.parametrize(
    ("spoil", "facts"),
    [
        (lambda d: (d / JOURNAL).unlink(), JOURNAL),
        (lambda d: (d / JOURNAL).write_text("no\njson\n"), f"{JOURNAL} 1"),
        (lambda d: (d / "experiment.json").unlink(), "demo"),
        (lambda d: (d / "experiment.json").write_text("{"), "experiment.json"),
        (
            lambda d: (d / "experiment.json").write_text(
                (d / "experiment.json").read_text().replace('"max_epochs": 3', '"max_epochs": 0')
            ),
            "experiment.json max_epochs 1 0",
        ),
    ],
)
def test_a_damaged_folder_is_one_line(command, search, spoil, facts):
    spoil(search.directory)
    status, _, err = command(search.directory)
    assert status == 2
    assert err.startswith("error: ")
    assert_named(facts, err)


def test_an_output_that_is_a_file_is_refused(command, search):
    status, _, err = command(search.directory, "--output", search.directory / JOURNAL)
    assert status == 2
    assert_named([str(search.directory / JOURNAL)], err)


@pytest.mark.parametrize(
    "name",
    [
        *("experiment.json", JOURNAL, "summary.md", "report.html", "tables/best.csv"),
        *("trials.csv", "best/lenet/config.json", "final/lenet/seed-0.json"),
        "final/lenet/misread.npz",
    ],
)
def test_a_folder_in_place_of_a_file_is_refused_or_not_read(command, search, name):
    search.final("lenet", 0, 0, [[9, 1], [0, 10]])
    path = search.directory / name
    path.unlink(missing_ok=True)
    path.mkdir(parents=True)
    (path / "inside").touch()
    status, _, err = command(search.directory)
    if status == 2:
        assert_named([name], err)
    else:
        assert (status, err) == (0, "")
    assert (path / "inside").exists()


def test_a_missing_folder_is_one_line(command):
    status, _, err = command()
    assert status == 2
    assert_named("RESULTS", err)


@pytest.mark.parametrize(
    ("text", "facts"),
    [("{", "seed-0.json"), ('{"model": "lenet"}', "seed-0.json 'trial'"), ("null", "seed-0.json")],
)
def test_a_damaged_final_run_is_one_line(command, search, text, facts):
    search.final("lenet", 0, 0, [[9, 1], [0, 10]])
    (path,) = search.directory.glob("final/lenet/seed-*.json")
    path.write_text(text)
    status, _, err = command(search.directory)
    assert status == 2
    assert_named(facts, err)
