"""Commands that read an untrusted results folder change no file outside of it."""

import json
import os

import optuna
import pytest

from tests.hostile.folders import (
    NOWHERE,
    contents,
    edit,
    replace_by_link,
    stranger_folder,
    watched_folder,
)
from tests.messages import assert_named
from tune_mnist.export import export
from tune_mnist.predict import predict
from tune_mnist.report import report
from tune_mnist.search import search
from tune_mnist.tuning.recording.study import STUDY_NAME, load_study, open_storage

LINKED = [
    *("experiment.json", "study.journal", "trials.csv", "summary.md", "report.html", ".lock"),
    *("best", "best/lenet", "best/lenet/config.json", "best/lenet/model.pt"),
    *("best/lenet/.model.pt.part", "final", "final/lenet", "final/lenet/seed-0.json"),
    *("final/lenet/model.pt", "final/lenet/.misread.npz.part"),
    *("ensemble", "ensemble/ensemble.json", "ensemble/.validation.npz.part", "ensemble/trial-0"),
    *("ensemble/trial-2/config.json", "ensemble/trial-2/model.pt"),
    *("checkpoints", "checkpoints/.writing", "checkpoints/00002", "checkpoints/00000"),
    *("checkpoints/00002/epoch-0001", "checkpoints/00002/epoch-0001/model.pt"),
    *("ray", "ray/tuner.pkl", "ray/00002-id2", "ray/00002-id2/result.json"),
    *("tensorboard", "tensorboard/0-lenet", "plots", "plots/history.html", "tables"),
    "tables/best.csv",
]
OUTWARD = ["../pwned", "x/../../../pwned", "..", ".", "", "OUTSIDE", "OUTSIDE/lenet", "nul\0l"]
"""Names that lead out of a folder; OUTSIDE is replaced by the path of the watched folder."""


def open_study(folder):
    """Open the study as a resumed search does."""
    return optuna.load_study(study_name=STUDY_NAME, storage=open_storage(folder))


class Disk:
    """An untrusted results folder beside a watched folder, and the commands that read it."""

    def __init__(self, tmp_path, dataset, model, run_command):
        self.top = tmp_path / "top"
        self.outside = watched_folder(self.top / "a" / "outside")
        self.folder = stranger_folder(self.top / "a" / "results", dataset, model)
        self._run = run_command
        (self.top / "work").mkdir()
        self.before = contents(self.top, self.folder)

    def command(self, command, *arguments):
        """Run a command, and check that it changes no watched file; return status and stderr."""
        status, _, error = self._run(command, *arguments)
        assert contents(self.top, self.folder) == self.before
        assert status == 0 or (error.startswith("error: ") and error.count("\n") == 1)
        return status, error

    def resume(self, *more):
        return self.command(search, "--resume", self.folder, *NOWHERE, *more)

    def warm_start(self):
        start = ("--space", "lenet", "--dataset", "digits", "--name", "new", "--output-dir", ".")
        return self.command(search, *start, "--warm-start", self.folder, *NOWHERE)

    def read(self, command, kind="best"):
        image = "digit.png" if command is predict else ()
        more = ("--format", "torch", "--dataset", "digits") if command is export else ()
        given = [image] if image else []
        return self.command(command, "--model", self.folder / kind / "lenet", *more, *given)

    def classify_by_ensemble(self):
        return self.command(predict, "--ensemble", self.folder, "digit.png")


def check_refused(outcome, *facts):
    """Check the exit status of a command, and that its error names some facts."""
    status, error = outcome
    assert status == 2
    assert_named(facts, error)


@pytest.fixture
def disk(tmp_path, digits, digits_lenet, monkeypatch, run_command):
    made = Disk(tmp_path, digits, digits_lenet, run_command)
    monkeypatch.chdir(made.top / "work")
    return made


def test_a_folder_without_damage_is_read(disk):
    assert disk.command(report, disk.folder) == (0, "")
    # Only the address is refused, as everything else is valid.
    for refused in (disk.resume(), disk.warm_start()):
        check_refused(refused, "127.0.0.1:1")


@pytest.mark.parametrize("name", LINKED)
def test_a_link_in_the_folder_is_refused(disk, name):
    inside = disk.outside / name.rpartition("/")[2]
    replace_by_link(disk.folder / name, inside if inside.exists() else disk.outside)
    kept = contents(disk.folder)
    for refused in (disk.command(report, disk.folder), disk.resume()):
        check_refused(refused, name, "link")
    assert contents(disk.folder) == kept
    if name == "study.journal":
        check_refused(disk.warm_start(), name, "link")
    if name in ("best/lenet/config.json", "best/lenet/model.pt"):
        for command in (predict, export):
            check_refused(disk.read(command), name, "link")
    if name.startswith("ensemble") and not name.endswith(".part"):
        check_refused(disk.classify_by_ensemble(), name, "link")


@pytest.mark.parametrize("name", ["../../outside", "0/../../../outside", -1, 10**30])
def test_a_member_of_the_ensemble_with_a_path_as_trial_is_refused(disk, name):
    path = disk.folder / "ensemble" / "ensemble.json"
    edit(path, lambda values: values["candidates"][0].update(trial=name))
    for refused in (disk.command(report, disk.folder), disk.classify_by_ensemble()):
        check_refused(refused, "ensemble.json", "trial")


@pytest.mark.parametrize("target", ["thesis.tex", "."])
def test_the_lock_of_the_journal_may_be_a_link_and_is_not_followed(disk, target):
    # Optuna creates such a link while a search runs, and a killed search leaves it behind.
    for name in ("study.journal.lock", "study.journal.lock0b5c.rename"):
        (disk.folder / name).symlink_to(disk.outside / target)
    assert disk.command(report, disk.folder) == (0, "")
    check_refused(disk.resume(), "127.0.0.1:1")
    assert load_study(disk.folder).trials == open_study(disk.folder).trials
    assert contents(disk.top, disk.folder) == disk.before


@pytest.mark.parametrize("name", ["best/lenet/notes", "ray/pipe", "experiment.json"])
def test_a_pipe_in_the_folder_is_refused(disk, name):
    (disk.folder / name).unlink(missing_ok=True)
    os.mkfifo(disk.folder / name)
    for refused in (disk.command(report, disk.folder), disk.resume()):
        check_refused(refused, name)


@pytest.mark.parametrize("name", OUTWARD)
def test_a_final_run_with_a_path_as_model_is_refused(disk, name):
    path = disk.folder / "final" / "lenet" / "seed-0.json"
    edit(path, lambda run: run.update(model=name.replace("OUTSIDE", str(disk.outside)), trial=99))
    for refused in (disk.command(report, disk.folder), disk.resume()):
        check_refused(refused, "seed-0.json", "model")


@pytest.mark.parametrize("change", [{"model": "resnet"}, {"seed": 7}])
def test_a_final_run_must_be_in_the_folder_of_its_model_and_seed(disk, change):
    path = disk.folder / "final" / "lenet" / "seed-0.json"
    edit(path, lambda run: run.update(change))
    for refused in (disk.command(report, disk.folder), disk.resume()):
        check_refused(refused, "seed-0.json", "model")


@pytest.mark.parametrize("place", ["best", "final"])
def test_a_folder_of_an_unknown_architecture_is_refused(disk, place):
    (disk.folder / place / "lenet").rename(disk.folder / place / "pwned")
    check_refused(disk.command(report, disk.folder), "'pwned'")


@pytest.mark.parametrize("name", OUTWARD)
def test_a_configuration_with_a_path_as_model_is_refused(disk, name):
    path = disk.folder / "best" / "lenet" / "config.json"
    edit(path, lambda config: config.update(model=name.replace("OUTSIDE", str(disk.outside))))
    for command in (predict, export):
        check_refused(disk.read(command), "model")


def replace_in_journal(folder, old, new):
    journal = folder / "study.journal"
    text = journal.read_text()
    assert old in text
    journal.write_text(text.replace(old, json.dumps(new)))


@pytest.mark.parametrize("name", ["x/../../../pwned", "..", "OUTSIDE", "nul\0l"])
@pytest.mark.parametrize("what", ['"lr"', '"lenet"', '"adam"', '"id2"', '"tune_mnist"'])
def test_names_in_the_study_are_never_used_as_paths(disk, what, name):
    replace_in_journal(disk.folder, what, name.replace("OUTSIDE", str(disk.outside)))
    disk.command(report, disk.folder)
    disk.resume()
    disk.warm_start()


@pytest.mark.parametrize("name", OUTWARD)
def test_names_in_the_space_are_never_used_as_paths(disk, name):
    def change(experiment):
        text = experiment["space"]["text"]
        experiment["space"]["name"] = name.replace("OUTSIDE", str(disk.outside))
        experiment["space"]["text"] = text.replace("lenet", json.dumps(name))

    edit(disk.folder / "experiment.json", change)
    disk.command(report, disk.folder)
    disk.resume()


@pytest.mark.parametrize("name", ["plots", "tables", "plots/history.html", "tables/best.csv"])
def test_a_report_refuses_links_in_its_output(disk, name):
    output = disk.top.parent / "output"
    replace_by_link(output / name, disk.outside / name.rpartition("/")[2])
    check_refused(disk.command(report, disk.folder, "--output", output), name, "link")


@pytest.mark.parametrize("name", ["summary.md", "report.html"])
def test_a_report_replaces_links_to_its_own_files(disk, name):
    output = disk.top.parent / "output"
    replace_by_link(output / name, disk.outside / "thesis.tex")
    assert disk.command(report, disk.folder, "--output", output) == (0, "")
    assert not (output / name).is_symlink()


def test_a_report_removes_only_its_own_files(disk):
    plots = disk.folder / "plots"
    plots.mkdir()
    for name in ("mine.html", "confusion-mine.html", "notes.txt", "timeline.html.html"):
        (plots / name).write_text("mine")
    (plots / "confusion-vggnet.html").write_text("of a report before")
    assert disk.command(report, disk.folder) == (0, "")
    names = {path.name for path in plots.iterdir()}
    assert {"mine.html", "confusion-mine.html", "notes.txt", "timeline.html.html"} <= names
    assert "confusion-vggnet.html" not in names
