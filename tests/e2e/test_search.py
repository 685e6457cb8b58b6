import json
import re

import pandas as pd
import pytest

from tests.e2e.commands import in_this_process, interrupt, run, start
from tests.messages import assert_named, assert_refused, is_named
from tests.waiting import wait_until
from tests.weights import weights_of
from tune_mnist import run_search
from tune_mnist.models import create_model
from tune_mnist.report import report
from tune_mnist.search import search
from tune_mnist.tuning.final.runs import read_final_runs

pytestmark = pytest.mark.e2e
NAME = "größe"


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """Search with non-ASCII characters in its name and output, whose log is ASCII only."""
    output = tmp_path_factory.mktemp("results")
    result = run(
        "search",
        *("--space", "lenet", "--num-samples", "6", "--max-epochs", "3", "--fraction", "0.1"),
        *("--final-seeds", "1", "--final-epochs", "1", "--dashboard"),
        *("--output-dir", str(output), "--name", NAME),
        PYTHONIOENCODING="ascii",
        FORCE_COLOR="1",
    )
    return result, output / NAME


def shows_the_best_trial(output, directory):
    """Return whether the best accuracy is in a table, whose lines have no time."""
    best = f"{pd.read_csv(directory / 'trials.csv')['val_accuracy'].max():.4f}"
    plain = re.sub(r"\x1b\[[\d;]*m", "", output)  # without colours
    tables = [line for line in plain.splitlines() if not line.startswith("[")]
    return any(is_named("lenet", line) and is_named(best, line) for line in tables)


def test_a_search_prints_and_writes_its_tables(finished):
    result, directory = finished
    assert result.returncode == 0, result.stderr
    lines = result.stdout.splitlines()
    data = next(line for line in lines if is_named("48,000", line))
    assert_named("4,800 2,000 12,000", data)
    assert any(line.startswith("expected ") for line in lines)
    (dashboard,) = [line for line in lines if line.startswith("dashboard ")]
    assert "http://127.0.0.1:" in dashboard
    assert shows_the_best_trial(result.stdout, directory)
    shown = str(directory).encode("ascii", "backslashreplace").decode()
    (end,) = [line for line in lines if "report.html" in line]
    assert_named([shown, "summary.md"], end)
    assert "<h3 id=" in (directory / "report.html").read_text()
    assert (directory / "plots" / "history.html").exists()
    summary = (directory / "summary.md").read_text()
    assert "| lenet " in summary
    assert "| optimizer, lr " in summary
    assert (directory / "tables" / "effects.tex").exists()


def test_no_output_of_ray_is_shown(finished):
    result, _ = finished
    assert result.stderr == ""
    assert "ray" not in result.stdout.replace("/ray", "").lower()


def test_a_log_has_one_line_per_epoch_even_with_forced_colours(finished):
    result, _ = finished
    assert re.search(r"#\d+ epoch 3/3 val_accuracy", result.stdout)
    assert not re.search(r"\x1b\[(\d*[AJK]|\?25)", result.stdout)


def test_every_trial_has_a_row_and_has_ended(finished):
    _, directory = finished
    trials = pd.read_csv(directory / "trials.csv")
    assert list(trials["trial"]) == [0, 1, 2, 3, 4, 5]
    assert set(trials["state"]) <= {"COMPLETE", "PRUNED"}
    complete = trials["state"] == "COMPLETE"
    assert (trials["epochs"][complete] == 3).all()
    assert (trials["epochs"][~complete] < 3).all()
    assert trials["lr"][0] == 0.003  # the baseline was tried first
    assert trials["val_accuracy"].max() > 0.8


def test_the_best_weights_can_be_loaded(finished):
    _, directory = finished
    config = json.loads((directory / "best" / "lenet" / "config.json").read_text())
    trials = pd.read_csv(directory / "trials.csv")
    assert config["val_accuracy"] == pytest.approx(trials["val_accuracy"].max())
    model = create_model("lenet")
    model.load_state_dict(weights_of(directory / "best" / "lenet"))


def test_checkpoints_of_ended_trials_are_removed(finished):
    _, directory = finished
    assert list((directory / "checkpoints").rglob("*.pt")) == []


def test_rays_state_is_small(finished):
    """Ray pickles searcher, scheduler and stopper, which must not refer to the images."""
    _, directory = finished
    sizes = [path.stat().st_size for path in (directory / "ray").rglob("*") if path.is_file()]
    assert len(sizes) > 6
    assert sum(sizes) < 1_000_000


def test_the_best_configuration_gets_a_final_run(finished):
    _, directory = finished
    trials = pd.read_csv(directory / "trials.csv")
    (final_run,) = read_final_runs(directory)
    assert final_run.trial == int(trials["val_accuracy"].idxmax())
    assert final_run.train_images == 4_800 + 1_200


def test_the_best_model_is_evaluated_on_all_validation_images(finished):
    _, directory = finished
    config = json.loads((directory / "best" / "lenet" / "config.json").read_text())
    assert config["full_val_accuracy"] == pytest.approx(config["val_accuracy"], abs=0.05)


def test_the_experiment_file_records_options_data_and_versions(finished):
    _, directory = finished
    experiment = json.loads((directory / "experiment.json").read_text())
    assert experiment["options"]["seed"] == 0
    assert {"ray", "optuna", "torch"} <= experiment["versions"].keys()


def test_an_existing_name_is_refused_and_unchanged(finished):
    _, directory = finished
    before = (directory / "trials.csv").read_text()
    assert_refused([str(directory)], run_search, output_dir=directory.parent, name=NAME)
    assert (directory / "trials.csv").read_text() == before


def test_ctrl_c_keeps_the_results(tmp_path):
    directory = tmp_path / "cut"
    process = start(
        "search",
        # Too many trials to end before the interrupt.
        *("--dataset", "digits", "--num-samples", "400", "--max-epochs", "9"),
        # Stopping ASHA ends the first trial soon, promotion keeps most of 400 trials paused.
        *("--scheduler", "asha-stopping", "--final-seeds", "0"),
        *("--output-dir", str(tmp_path), "--name", "cut"),
    )
    trials = directory / "trials.csv"
    wait_until(lambda: trials.exists() and "PRUNED" in trials.read_text(), process)
    assert_refused([str(directory)], in_this_process, search, "--resume", str(directory))

    out, err = interrupt(process)
    assert process.returncode == 130, err
    assert "Traceback" not in err + out
    assert "Ctrl-C" in out  # said at once, as the end takes seconds
    assert f"--resume {directory}" in out
    states = list(pd.read_csv(trials)["state"])
    assert {"PRUNED", "INTERRUPTED"} <= set(states)
    assert "RUNNING" not in states
    summary = (directory / "summary.md").read_text()
    assert "INTERRUPTED" in summary
    assert shows_the_best_trial(out, directory)
    in_this_process(report, str(directory))
    assert (directory / "summary.md").read_text() == summary


ALL = ("lenet", "alexnet", "resnet", "vggnet")


def test_every_architecture_gets_its_share_of_trials_a_complete_one_and_a_final_run(
    tmp_path, small_ray
):
    space = tmp_path / "narrow.yaml"
    space.write_text(
        "description: all architectures, narrow\n"
        f"model: {{type: categorical, choices: [{', '.join(ALL)}]}}\n"
        "parameters:\n"
        "  lr: {type: float, low: 1.0e-4, high: 1.0e-3, log: true}\n"
        "  model.width: {type: categorical, choices: [8]}\n"
    )
    in_this_process(
        search,
        *("--space", str(space), "--dataset", "digits", "--fraction", "0.2"),
        *("--image-size", "28", "--num-samples", "8", "--max-epochs", "2"),
        *("--final-seeds", "1", "--output-dir", str(tmp_path), "--name", "four"),
    )
    directory = tmp_path / "four"
    trials = pd.read_csv(directory / "trials.csv")
    assert dict(trials["model"].value_counts()) == dict.fromkeys(ALL, 2)
    assert set(trials["model"][trials["state"] == "COMPLETE"]) == set(ALL)
    kept = {path.parent.name for path in (directory / "best").glob("*/model.pt")}
    assert kept == set(ALL)
    tested = {path.parent.name for path in (directory / "final").glob("*/seed-0.json")}
    assert tested == set(ALL)
    compared = pd.read_csv(directory / "tables" / "best.csv")
    assert set(compared["model"]) == set(ALL)
