"""Checks of a resumed search before Ray is started or a file is written."""

import io
import json
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from tests.messages import assert_named, assert_refused
from tests.reporting.searches import ONE_MODEL, Search
from tests.tuning.studies import study_in
from tune_mnist.durations import Stopwatch
from tune_mnist.errors import NOTHING_TO_RESUME
from tune_mnist.models.user_modules import load_models
from tune_mnist.tuning.experiment import run_experiment
from tune_mnist.tuning.options.option_fields import FIXED
from tune_mnist.tuning.options.search_options import SearchOptions
from tune_mnist.tuning.preparation import read_warm_start
from tune_mnist.tuning.recording.study import JOURNAL
from tune_mnist.tuning.results_folder.experiment_file import (
    read_experiment,
    write_experiment,
)
from tune_mnist.tuning.results_folder.resuming import (
    changed_networks,
    check_resumable,
    next_step,
    next_step_without_head,
)
from tune_mnist.tuning.spaces.space import load_space, parse_space

EXAMPLES = Path(__file__).parents[3] / "examples"
SPACE = load_space("lenet")


def begin(directory, images, **given):
    directory.mkdir()
    options = SearchOptions.for_space(SPACE, **({"dataset": "digits", "num_samples": 4} | given))
    return write_experiment(directory, SPACE, options, images, {}, "the command", None)


NOWHERE = "127.0.0.1:1"
"""Address without Ray, which ends a search that is not refused."""


def resume_refused(directory, earlier, *facts, **given):
    """Check that a resumed search ends in one line that names some facts, and writes nothing."""
    before = {path: path.read_bytes() for path in directory.iterdir()}
    options = earlier.options_with(SPACE, {"address": NOWHERE, **given})
    console = Console(file=io.StringIO())
    others = (earlier, None, frozenset(), Stopwatch(), lambda: None)
    assert_refused(facts, run_experiment, SPACE, options, directory, console, "again", *others)
    assert {path: path.read_bytes() for path in directory.iterdir()} == before


OTHER_VALUES = {
    "dataset": "mnist",
    "transpose": True,
    "portfolio": False,
    "fraction": 0.5,
    "val_fraction": 0.5,
    "image_size": 28,
    "max_epochs": 5,
    "seed": 1,
    "init": "torch",
    "precision": "bf16",
    "searcher": "random",
    "scheduler": "median",
    "grace_period": 2,
    "reduction_factor": 4,
    "brackets": 2,
    "objective": "val_accuracy,parameters",
    "warm_start": "/results/earlier",
}


@pytest.mark.parametrize(("option", "value"), OTHER_VALUES.items())
def test_a_fixed_option_cannot_be_changed(tmp_path, digits, option, value):
    # Several objectives need scheduler none; otherwise the combination would be refused.
    given = {"scheduler": "none"} if option == "objective" else {}
    earlier = begin(tmp_path / "s", digits, **given)
    facts = [f"--{option.replace('_', '-')} {value}"]
    assert_refused(facts, earlier.options_with, SPACE, {option: value})
    assert earlier.options_with(SPACE, {"num_samples": 9, "max_failures": 5}).num_samples == 9


@pytest.mark.parametrize(("first", "then"), [("budget", "time_budget"), ("time_budget", "budget")])
def test_one_time_limit_replaces_the_other(tmp_path, digits, first, then):
    earlier = begin(tmp_path / "s", digits, **{first: 600})
    options = earlier.options_with(SPACE, {then: 300})
    assert (getattr(options, first), getattr(options, then)) == (None, 300)


def test_the_perturbation_interval_cannot_be_changed(tmp_path, digits):
    earlier = begin(tmp_path / "s", digits, scheduler="pbt")
    facts = "--perturbation-interval 2 1"
    assert_refused(facts, earlier.options_with, SPACE, {"perturbation_interval": 2})
    assert set(FIXED) == {*OTHER_VALUES, "perturbation_interval"}


def test_the_storage_path_cannot_be_changed(tmp_path, digits):
    begin(tmp_path / "s", digits, storage_path="s3://bucket/a")
    earlier = read_experiment(tmp_path / "s")
    facts = (f"--storage-path {tmp_path}", "s3://bucket/a")
    resume_refused(tmp_path / "s", earlier, *facts, storage_path=str(tmp_path))


def test_different_images_of_the_same_data_set_are_refused(tmp_path, digits, placed_digits):
    begin(tmp_path / "s", placed_digits)
    earlier = read_experiment(tmp_path / "s")
    resume_refused(tmp_path / "s", earlier, "--resume", "images", "digits")


@pytest.mark.parametrize(
    ("changes", "facts"),
    [
        (lambda data: {"test_images": 255 - data.test_images}, ["test images"]),
        (lambda data: {"test_labels": data.test_labels[::-1].copy()}, ["labels"]),
        (lambda _: {"class_names": tuple("abcdefghij")}, [*"0123456789", *"abcdefghij"]),
    ],
)
def test_other_test_images_and_class_names_are_refused(tmp_path, digits, changes, facts):
    begin(tmp_path / "s", replace(digits, **changes(digits)))
    earlier = read_experiment(tmp_path / "s")
    resume_refused(tmp_path / "s", earlier, "--resume", "digits", *facts)


def test_a_folder_without_a_checksum_of_the_test_images_can_be_resumed(tmp_path, digits):
    begin(tmp_path / "s", digits)
    path = tmp_path / "s" / "experiment.json"
    stored = json.loads(path.read_text())
    del stored["test_sha256"], stored["data"], stored["signature"]
    path.write_text(json.dumps(stored))
    resume_refused(tmp_path / "s", read_experiment(tmp_path / "s"), NOWHERE)


def test_a_search_that_ends_by_force_tells_how_to_resume_it(tmp_path, digits, own_network):
    assert next_step(tmp_path / "s") == NOTHING_TO_RESUME
    begin(tmp_path / "s", digits)
    assert f"--resume {tmp_path / 's'}" in next_step(tmp_path / "s")
    assert f"--models {own_network}" in next_step(tmp_path / "s")


def test_no_line_recommends_to_resume_a_search_that_cannot_be_resumed(tmp_path, digits):
    begin(tmp_path / "s", digits, scheduler="hyperband")
    for step in (
        next_step(tmp_path / "s"),
        next_step_without_head(tmp_path / "s", own_cluster=True),
    ):
        assert "--resume" not in step
        assert str(tmp_path / "s") in step
        assert "cluster" not in step


def test_the_parent_of_results_folders_is_refused_with_their_names(tmp_path, digits):
    begin(tmp_path / "one", digits)
    begin(tmp_path / "two", digits)
    assert_refused(f"{tmp_path} one two", read_experiment, tmp_path)


def test_a_damaged_folder_does_not_hide_how_a_search_ended(tmp_path, digits):
    begin(tmp_path / "s", digits)
    (tmp_path / "s" / "experiment.json").write_text("{")
    assert f"--resume {tmp_path / 's'}" in next_step(tmp_path / "s")


@pytest.mark.parametrize("own_cluster", [True, False])
def test_after_the_loss_of_the_head_only_stored_trials_are_called_kept(
    tmp_path, digits, own_cluster
):
    step = next_step_without_head(tmp_path / "s", own_cluster=own_cluster)
    assert step == NOTHING_TO_RESUME
    begin(tmp_path / "s", digits)
    step = next_step_without_head(tmp_path / "s", own_cluster=own_cluster)
    assert "kept" in step
    assert f"--resume {tmp_path / 's'}" in step
    assert ("--address" in step) is own_cluster


def test_hyperband_cannot_be_resumed(tmp_path, digits):
    earlier = begin(tmp_path / "s", digits, scheduler="hyperband")
    resume_refused(tmp_path / "s", earlier, "--resume", "hyperband")


@pytest.mark.parametrize(
    ("scheduler", "num_samples", "facts"),
    [
        ("asha", 2, ("--num-samples", "3", "2")),
        ("pbt", 5, ("--num-samples 5", "--scheduler pbt", "4")),
    ],
)
def test_the_number_of_trials_must_include_started_trials(
    tmp_path, digits, scheduler, num_samples, facts
):
    earlier = begin(tmp_path / "s", digits, scheduler=scheduler)
    study = study_in(tmp_path / "s")
    for _ in range(3):
        study.ask()
    resume_refused(tmp_path / "s", earlier, *facts, num_samples=num_samples)


@pytest.mark.parametrize("damage", [Path.unlink, Path.mkdir, Path.touch])
def test_a_search_without_its_journal_is_refused(tmp_path, digits, damage):
    earlier = begin(tmp_path / "s", digits)
    study_in(tmp_path / "s")
    journal = tmp_path / "s" / JOURNAL
    (tmp_path / "s" / "trials.csv").write_text("trial\n")
    journal.unlink()
    if damage is not Path.unlink:
        damage(journal)
    options = earlier.options_with(SPACE, {"address": NOWHERE})
    given = (tmp_path / "s", SPACE, options, digits, earlier)
    assert_refused([str(journal)], check_resumable, *given)


def test_a_search_that_was_killed_before_its_first_trial_can_be_resumed(tmp_path, digits):
    resume_refused(tmp_path / "s", begin(tmp_path / "s", digits), NOWHERE)


def test_a_search_whose_mlflow_server_is_lost_can_be_resumed_without_it(tmp_path, digits):
    earlier = begin(tmp_path / "s", digits, mlflow="http://127.0.0.1:1")
    resume_refused(tmp_path / "s", earlier, "--mlflow http://127.0.0.1:1")
    # The search ends because no Ray runs at the address.
    resume_refused(tmp_path / "s", earlier, f"'{NOWHERE}'", mlflow="")
    assert earlier.options_with(SPACE, {"mlflow": ""}).mlflow is None


@pytest.fixture
def own_network(tmp_path, networks_forgotten):
    module = tmp_path / "my_nets.py"
    module.write_text((EXAMPLES / "own_network.py").read_text())
    load_models([str(module)])
    return module


def test_an_edited_network_is_named_at_each_resume(tmp_path, digits, own_network):
    source = own_network.read_text()
    space = load_space(str(EXAMPLES / "own_network.yaml"))
    options = SearchOptions.for_space(space, dataset="digits")
    directory = tmp_path / "search"
    directory.mkdir()
    write_experiment(directory, space, options, digits, {}, "the command", None)

    def resumed_with(text):
        own_network.write_text(text)
        load_models([str(own_network)])
        earlier = read_experiment(directory)
        lines = changed_networks(space, earlier)
        write_experiment(directory, space, options, digits, {}, "resume", earlier)
        return lines

    assert resumed_with(source) == []
    edited = [resumed_with(source + "\n# edited\n") for _ in range(2)]
    restored = resumed_with(source)  # some trials have run with the edited source
    for lines in (*edited, restored):
        (line,) = lines
        assert_named("my-cnn", line)
    assert read_experiment(directory).is_own


def test_a_warm_start_reuses_no_accuracy_of_other_images(tmp_path, digits):
    begin(tmp_path / "s", digits)
    earlier = read_experiment(tmp_path / "s")
    options = SearchOptions.for_space(SPACE, dataset="digits")
    assert earlier.is_comparable(options, digits)
    assert not earlier.is_comparable(
        options, replace(digits, train_images=255 - digits.train_images)
    )
    assert not earlier.is_comparable(
        options, replace(digits, train_labels=9 - digits.train_labels)
    )
    assert not earlier.is_comparable(options.model_copy(update={"image_size": 32}), digits)
    # The name does not matter: the images are the same.
    assert earlier.is_comparable(options.model_copy(update={"dataset": "arrays"}), digits)


def test_a_warm_start_reuses_no_accuracy_of_an_edited_network(tmp_path, digits, own_network):
    space = load_space(str(EXAMPLES / "own_network.yaml"))
    directory = tmp_path / "search"
    directory.mkdir()
    options = SearchOptions.for_space(space, dataset="digits")
    write_experiment(directory, space, options, digits, {}, "the command", None)
    earlier = read_experiment(directory)
    assert earlier.unchanged_networks(space.models) == {"my-cnn"}
    own_network.write_text(own_network.read_text() + "\n# edited\n")
    load_models([str(own_network)])
    assert earlier.unchanged_networks((*space.models, "lenet")) == {"lenet"}


def test_a_warm_start_reads_the_architecture_of_the_earlier_search(tmp_path, digits):
    Search(tmp_path / "lenet", ONE_MODEL, digits).trial(0.5, 0.6, 0.7)
    new = parse_space(ONE_MODEL.replace("lenet", "resnet"), Path("new.yaml"))
    given = {"dataset": "digits", "image_size": 28, "max_epochs": 3}
    options = SearchOptions.for_space(new, **given, warm_start=tmp_path / "lenet")
    assert read_warm_start(new, options, digits).trials == ()
    same = parse_space(ONE_MODEL, Path("same.yaml"))
    assert len(read_warm_start(same, options, digits).trials) == 1


def test_a_warm_start_from_a_folder_without_a_search_is_refused(tmp_path, digits):
    options = SearchOptions.for_space(SPACE, dataset="digits", warm_start=tmp_path / "nowhere")
    assert_refused([str(tmp_path / "nowhere")], read_warm_start, SPACE, options, digits)


def test_a_search_on_arrays_is_resumed_from_python_only(tmp_path, digits):
    begin(tmp_path / "s", digits, dataset="arrays")
    resume_refused(tmp_path / "s", read_experiment(tmp_path / "s"), "run_search(resume=")
