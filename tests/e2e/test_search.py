import json
import re

import pandas as pd
import pytest

from tests.e2e.commands import interrupt, run, start
from tests.waiting import wait_until
from tests.weights import weights_of
from tune_mnist.models import create_model

pytestmark = pytest.mark.e2e
NAME = "größe"


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """Search with non-ASCII characters in its name and output, whose log is ASCII only."""
    output = tmp_path_factory.mktemp("results")
    result = run(
        "search",
        *("--space", "lenet", "--num-samples", "6", "--max-epochs", "3", "--fraction", "0.1"),
        *("--final-seeds", "0"),
        *("--output-dir", str(output), "--name", NAME),
        PYTHONIOENCODING="ascii",
        FORCE_COLOR="1",
    )
    return result, output / NAME


def test_a_search_prints_and_writes_its_tables(finished):
    result, directory = finished
    assert result.returncode == 0, result.stderr
    assert "Best trial of each architecture" in result.stdout
    assert "4,800 of 48,000 training images, 2,000 of 12,000 validation images" in result.stdout
    assert re.search("^expected   (about|less than)", result.stdout, flags=re.MULTILINE)
    shown = str(directory).encode("ascii", "backslashreplace").decode()
    assert f"results in {shown}: report.html, summary.md" in result.stdout
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


def test_without_seeds_there_is_no_final_evaluation(finished):
    result, directory = finished
    assert "final runs none" in result.stdout
    assert "final evaluation" not in result.stdout
    assert not (directory / "final").exists()


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
    result = run("search", "--output-dir", str(directory.parent), "--name", NAME)
    assert result.returncode == 2
    assert f"{directory} already exists" in result.stderr
    assert (directory / "trials.csv").read_text() == before


def test_ctrl_c_keeps_the_results_and_the_search_can_be_resumed(tmp_path):
    directory = tmp_path / "cut"
    process = start(
        "search",
        # Too many trials to end before the interrupt.
        *("--dataset", "digits", "--num-samples", "400", "--max-epochs", "30"),
        # Stopping ASHA ends the first trial soon, promotion keeps most of 400 trials paused.
        *("--scheduler", "asha-stopping", "--final-seeds", "0"),
        *("--output-dir", str(tmp_path), "--name", "cut"),
    )
    trials = directory / "trials.csv"
    wait_until(lambda: trials.exists() and "PRUNED" in trials.read_text(), process)
    second = run("search", "--resume", str(directory))
    assert second.returncode == 2
    assert "another search is running in this folder" in second.stderr

    out, err = interrupt(process)
    assert process.returncode == 130, err
    assert "Traceback" not in err + out
    assert "Top " in out
    assert "Ctrl-C again" in out  # said at once, as the end takes seconds
    assert "interrupted" in out
    assert f"--resume {directory}" in out
    states = list(pd.read_csv(trials)["state"])
    assert {"PRUNED", "INTERRUPTED"} <= set(states)
    assert "RUNNING" not in states
    summary = (directory / "summary.md").read_text()
    assert "INTERRUPTED" in summary
    assert run("report", str(directory)).returncode == 0
    assert (directory / "summary.md").read_text() == summary

    result = run("search", "--resume", str(directory), "--num-samples", str(len(states)))
    assert result.returncode == 0, result.stderr
    resumed = pd.read_csv(trials)["state"]
    assert len(resumed) == len(states)
    assert set(resumed) <= {"COMPLETE", "PRUNED"}


def test_the_time_budget_ends_a_search_in_order(tmp_path):
    result = run(
        "search",
        *("--dataset", "digits", "--num-samples", "1000", "--max-epochs", "30"),
        *("--time-budget", "20s", "--final-seeds", "0"),
        *("--output-dir", str(tmp_path), "--name", "short"),
    )
    assert result.returncode == 0, result.stderr
    assert "time budget" in result.stdout
    # On a busy machine the time may be used up before the first epoch.
    ends = ("Top ", "no trial has finished an epoch")
    (end,) = (words for words in ends if words in result.stdout)
    begun = " epoch 1/30 " in result.stdout
    assert (end == "Top ") == begun


def test_a_search_over_all_architectures_compares_them(tmp_path):
    space = tmp_path / "tiny.yaml"
    space.write_text(
        "description: all four, one trial each\n"
        "model: {type: categorical, choices: [lenet, alexnet, resnet, vggnet]}\n"
        "parameters:\n"
        "  lr: {type: float, low: 1.0e-4, high: 1.0e-3, log: true}\n"
        # SGD without momentum has no state; Adam's would triple the size of VGG's checkpoint.
        "  optimizer: {type: categorical, choices: [sgd]}\n"
        "baselines:\n"
        + "".join(f"  - {{model: {name}}}\n" for name in ("lenet", "alexnet", "resnet", "vggnet"))
    )
    result = run(
        "search",
        *("--space", str(space), "--dataset", "digits", "--num-samples", "4"),
        *("--max-epochs", "1", "--image-size", "28", "--fraction", "0.1", "--final-seeds", "0"),
        *("--max-concurrent", "1"),
        *("--output-dir", str(tmp_path)),
        *("--name", "four"),
    )
    assert result.returncode == 0, result.stderr
    best = pd.read_csv(tmp_path / "four" / "trials.csv")
    assert set(best["model"]) == {"lenet", "alexnet", "resnet", "vggnet"}
    kept = {path.parent.name for path in (tmp_path / "four" / "best").glob("*/model.pt")}
    assert kept == set(best["model"])
