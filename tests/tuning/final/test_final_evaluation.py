"""Failures of runs in the final evaluation, on a real Ray."""

import errno
import io
import json
import os
import threading
from contextlib import suppress

import psutil
import pytest
import ray
from rich.console import Console

from tests.messages import assert_named, assert_refused
from tests.reporting.searches import best_config
from tests.tuning.settings import context_in
from tests.waiting import wait_until
from tests.weights import weights_of
from tune_mnist import run_search
from tune_mnist.data import train_val_indices
from tune_mnist.durations import Stopwatch
from tune_mnist.models import create_model
from tune_mnist.training import Trainer
from tune_mnist.tuning.final.final_evaluation import FinalEvaluation
from tune_mnist.tuning.final.full_validation import full_validation
from tune_mnist.tuning.final.runs import final_folder, read_final_runs
from tune_mnist.tuning.options.search_options import SearchOptions
from tune_mnist.tuning.planning.resources import Workers
from tune_mnist.tuning.recording.trial_record import TrialRecord, TrialState
from tune_mnist.tuning.spaces.space import load_space
from tune_mnist.tuning.storage.bucket import StorageError
from tune_mnist.tuning.storage.kept_models import keep_model, read_config, write_config

WORKERS = Workers(1, 0, 2)


@pytest.fixture(scope="module")
def shared(small_ray, digits_split):
    return ray.put(digits_split)


def record(number, accuracy, **config):
    made = TrialRecord(number, f"id{number}", config, TrialState.COMPLETE)
    made.best_epoch, made.val_accuracy = 1, accuracy
    made.last = {"images_per_second": 5_000.0}
    return made


LENET = {"model": "lenet", "lr": 0.005, "batch_size": 32}


def evaluation(
    directory, digits, digits_split, shared, fraction=1.0, skipping_level=None, **given
):
    space = load_space("lenet")
    options = SearchOptions.for_space(
        space, image_size=28, precision="fp32", device="cpu", **given
    )
    context = context_in(
        directory, space, options, WORKERS, shared=shared, val_images=len(digits_split.val)
    )
    return FinalEvaluation(
        context, digits, train_val_indices(digits_split, fraction), skipping_level
    )


def evaluate(directory, records, *data, **given):
    stream = io.StringIO()
    final = evaluation(directory, *data, **given)
    failures = final.run(records, Console(file=stream, width=200), Stopwatch())
    return failures, stream.getvalue()


@pytest.mark.e2e
def test_a_diverging_run_does_not_end_the_others(tmp_path, digits, digits_split, shared):
    records = [
        record(0, 0.9, **LENET),
        record(1, 0.8, model="resnet", lr=1e20, optimizer="sgd"),
    ]
    failures, out = evaluate(
        tmp_path, records, digits, digits_split, shared, 0.05, max_epochs=2, final_seeds=1
    )
    assert len(failures) == 1
    assert_named("resnet 0 diverged", failures[0])
    assert failures[0] in out
    assert [run.model for run in read_final_runs(tmp_path)] == ["lenet"]
    assert list((tmp_path / "checkpoints").rglob("*.pt")) == []


@pytest.mark.e2e
def test_networks_that_only_guess_are_not_trained_again(tmp_path, digits, digits_split, shared):
    records = [record(0, 0.9, **LENET), record(1, 0.1, model="alexnet", lr=0.1)]
    wanted = (digits, digits_split, shared, 0.05, digits_split.guessing_level)
    failures, out = evaluate(tmp_path, records, *wanted, max_epochs=1, final_seeds=1)
    assert failures == []
    assert [run.model for run in read_final_runs(tmp_path)] == ["lenet"]
    (line,) = [line for line in out.splitlines() if "--final-seeds" in line]  # the remedy
    assert_named("alexnet 1", line)
    more = evaluation(tmp_path, *wanted, max_epochs=1, final_seeds=3)
    assert more.count_runs(records) == (1, 3)  # none of the network that guesses


@pytest.mark.e2e
def test_final_runs_that_were_asked_for_are_made_even_at_an_accuracy_of_0(
    tmp_path, digits, digits_split, shared
):
    wanted = (digits, digits_split, shared, 0.05, None)
    records = [record(0, 0.0, **LENET)]
    failures, _ = evaluate(tmp_path, records, *wanted, max_epochs=1, final_seeds=1)
    assert failures == []
    assert [run.model for run in read_final_runs(tmp_path)] == ["lenet"]


@pytest.mark.e2e
def test_a_search_that_has_learned_nothing_ends_without_final_runs(
    tmp_path, digits, digits_split, shared
):
    wanted = (digits, digits_split, shared, 0.05, digits_split.guessing_level)
    failures, out = evaluate(tmp_path, [record(0, 0.1, **LENET)], *wanted, final_seeds=1)
    assert failures == []
    assert read_final_runs(tmp_path) == []
    assert out.count("\n") == 1


def final_run_workers():
    """Return the processes of this test's Ray that train a final run."""
    found = []
    with suppress(psutil.Error):
        for process in psutil.Process().children(recursive=True):
            with suppress(psutil.Error):
                if "ray::train_and_test" in " ".join(process.cmdline()):
                    found.append(process)
    return found


def shoot_once(directory, shot):
    """Kill the worker of a final run once it has written a checkpoint, and record this."""
    (worker,) = wait_until(final_run_workers, every=0.02)
    wait_until(lambda: list((directory / "checkpoints").glob("final-*/epoch-*")), every=0.01)
    worker.kill()
    shot.append(worker)


@pytest.mark.e2e
def test_a_killed_worker_is_replaced_and_its_run_resumes(tmp_path, digits, digits_split, shared):
    shot = []
    killer = threading.Thread(target=shoot_once, args=(tmp_path, shot), daemon=True)
    killer.start()
    failures, _ = evaluate(
        tmp_path,
        [record(0, 0.9, **LENET)],
        digits,
        digits_split,
        shared,
        max_epochs=12,
        final_seeds=1,
    )
    assert failures == []
    assert shot
    (run,) = read_final_runs(tmp_path)
    assert run.test_accuracy > 0.8
    folder = final_folder(tmp_path, "lenet")
    model = create_model("lenet")
    model.load_state_dict(weights_of(folder))
    assert json.loads((folder / "config.json").read_text())["test_accuracy"] == run.test_accuracy


@pytest.mark.e2e
def test_a_full_disk_ends_the_evaluation_and_a_resume_completes_it(
    small_disk, digits, digits_split, shared
):
    free = os.statvfs(small_disk)
    ballast = small_disk / "ballast"
    ballast.write_bytes(bytes(free.f_bavail * free.f_frsize - 200_000))
    wanted = ([record(0, 0.9, **LENET)], digits, digits_split, shared)
    with pytest.raises(OSError, match=os.strerror(errno.ENOSPC)):
        evaluate(small_disk, *wanted, max_epochs=1, final_seeds=1)
    assert read_final_runs(small_disk) == []
    ballast.unlink()
    failures, _ = evaluate(small_disk, *wanted, max_epochs=1, final_seeds=1)
    assert failures == []
    assert len(read_final_runs(small_disk)) == 1


@pytest.mark.e2e
def test_a_search_whose_bucket_is_lost_in_the_final_evaluation_can_be_resumed(
    tmp_path, digits, small_ray, monkeypatch
):
    def lost(*_):
        raise StorageError("--storage-path s3://bucket: no answer")

    monkeypatch.setattr(FinalEvaluation, "run", lost)
    given = {"num_samples": 1, "max_epochs": 1, "output_dir": tmp_path, "name": "lost"}
    facts = ["--storage-path s3://bucket", f"--resume {tmp_path / 'lost'}"]
    assert_refused(facts, run_search, "lenet", digits, **given, console=Console(quiet=True))


@pytest.mark.e2e
def test_a_best_model_is_validated_once_on_all_validation_images(tmp_path, digits_split, shared):
    space = load_space("lenet")
    options = SearchOptions.for_space(space, precision="fp32", device="cpu")
    context = context_in(tmp_path, space, options, WORKERS, shared=shared)
    common = context.settings
    trainer = Trainer(common.train_config(LENET), digits_split, common.compute())
    accuracy = trainer.run_epoch().val_accuracy
    checkpoints = common.checkpoints_of(0)
    trainer.save(checkpoints.at(1))
    folder = tmp_path / "best" / "lenet"
    noted = best_config("lenet", 0, image_size=common.image_size)
    keep_model(folder, checkpoints, 1, noted)
    for model, content in (("alexnet", "{"), ("resnet", None)):
        damaged = tmp_path / "best" / model
        damaged.mkdir()
        (damaged / "model.pt").write_bytes(b"truncated")
        (damaged / "config.json").write_text(content or json.dumps(best_config(model, 1)))
    lines = []

    def judge():
        lines.clear()
        full_validation(context, digits_split.val, lines.append)

    judge()
    for model in ("alexnet", "resnet"):
        assert any(str(tmp_path / "best" / model) in line for line in lines)
    assert read_config(folder).full_val_accuracy == accuracy
    assert json.loads((folder / "config.json").read_text()).items() >= noted.items()
    write_config(folder, noted | {"full_val_accuracy": 0.25})
    judge()
    assert read_config(folder).full_val_accuracy == 0.25
