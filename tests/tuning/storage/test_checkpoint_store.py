"""Checkpoint stores: the same behaviour in a folder and in a bucket."""

import errno
import os
import subprocess
import sys
import tempfile
from dataclasses import replace
from socket import gethostname
from uuid import uuid4

import pytest
import torch

from tests.messages import assert_refused
from tests.tuning.settings import settings_in
from tests.weights import equal_weights, same_weights, weights_of
from tune_mnist.training import (
    MODEL_FILE,
    Compute,
    TrainConfig,
    Trainer,
)
from tune_mnist.tuning.storage.bucket import Bucket, StorageError
from tune_mnist.tuning.storage.bucket_store import BucketStore
from tune_mnist.tuning.storage.checkpoint_store import STALE_WORKER, PlaceMissingError
from tune_mnist.tuning.storage.shared_folder import SharedFolder
from tune_mnist.tuning.trials.trainable import trial_name

CPU = Compute(torch.device("cpu"), bf16=False)


def bucket_in(s3_options):
    """Folder of the bucket for one test."""
    return Bucket(f"s3://bucket/folder/{uuid4().hex}?{s3_options}")


@pytest.fixture(params=["folder", "bucket"])
def store(request, tmp_path):
    if request.param == "folder":
        made = SharedFolder(tmp_path / "checkpoints", "this run")
    else:
        made = BucketStore(bucket_in(request.getfixturevalue("s3_options")), "this run")
    made.start()
    return made


@pytest.fixture
def folder_store(tmp_path):
    made = SharedFolder(tmp_path / "checkpoints", "this run")
    made.start()
    return made


@pytest.fixture
def bucket_store(s3_options):
    made = BucketStore(bucket_in(s3_options), "this run")
    made.start()
    return made


@pytest.fixture
def build(digits_split):
    few = replace(digits_split, train=digits_split.train[:64], val=digits_split.val[:32])

    def built(seed=0):
        config = TrainConfig(model="lenet", lr=0.01, batch_size=32, max_epochs=9, seed=seed)
        return Trainer(config, few, CPU)

    return built


def train(trainer, checkpoints, epochs):
    for _ in range(epochs):
        trainer.run_epoch()
        checkpoints.save(trainer)
    return trainer


def begin(build, checkpoints, epochs):
    """Restore a run as a worker does, train, and save."""
    trainer, _ = checkpoints.restore(build)
    return train(trainer, checkpoints, epochs)


def objects_of(store, name):
    return sorted(key.rpartition("/")[2] for key in store.bucket.objects(name))


def test_a_run_resumes_from_its_checkpoint(store, build):
    whole = train(build(), store.of("whole"), 3)
    train(build(), store.of("paused"), 2)
    paused = store.of("paused")
    resumed, complaints = paused.restore(build)
    assert (resumed.epoch, complaints) == (2, [])
    assert same_weights(train(resumed, paused, 1), whole)
    assert store.of("paused").newest_epoch() == 3


def test_a_run_without_checkpoints_starts_at_the_first_epoch(store, build):
    trainer, complaints = store.of("new").restore(build)
    assert (trainer.epoch, complaints, store.of("new").newest_epoch()) == (0, [], 0)


def test_weights_of_an_epoch_can_be_copied(store, build, tmp_path):
    trainer = train(build(), store.of("run"), 1)
    store.of("run").copy_model(1, tmp_path / MODEL_FILE)
    assert equal_weights(weights_of(tmp_path), trainer.model.state_dict())


def test_names_lists_runs_until_they_are_removed(store, build):
    for name in ("one", "other"):
        begin(build, store.of(name), 1)
    assert store.names() == ["one", "other"]
    store.of("one").remove()
    store.of("never there").remove()
    assert store.names() == ["other"]
    assert store.of("one").newest_epoch() == 0


@pytest.mark.parametrize(
    "key", ["epoch-0009/whole", "epoch-x-1/whole", "thesis/whole", "../../pwned/whole", "whole"]
)
def test_foreign_keys_are_ignored(bucket_store, build, key):
    begin(build, bucket_store.of("run"), 1)
    bucket_store.bucket.write(f"run/{key}", b"whole")
    assert bucket_store.of("run").newest_epoch() == 1
    trainer, complaints = bucket_store.of("run").restore(build)
    assert (trainer.epoch, complaints) == (1, [])
    train(trainer, bucket_store.of("run"), 0)
    assert bucket_store.bucket.read(f"run/{key}") == b"whole"


def test_a_symbolic_link_instead_of_a_folder_is_refused(folder_store, build, tmp_path):
    (tmp_path / "outside").mkdir()
    (folder_store.folder / "run").symlink_to(tmp_path / "outside")
    assert folder_store.names() == []
    facts = [str(folder_store.folder / "run")]
    assert_refused(facts, lambda: begin(build, folder_store.of("run"), 1))
    assert list((tmp_path / "outside").iterdir()) == []


def test_a_target_resumes_from_its_source_and_adopt_is_idempotent(store, build):
    donor = train(build(1), store.of("donor"), 1)
    train(build(2), store.of("heir"), 1)
    for _ in range(2):
        store.adopt("heir", "donor", 1)
    heir, _ = store.of("heir").restore(build)
    assert same_weights(heir, donor)
    again, _ = store.of("donor").restore(build)
    assert same_weights(again, donor)


def test_a_stale_worker_neither_reads_nor_writes_nor_deletes(store, build):
    trainer = train(build(), store.of("run"), 1)
    replace(store, run="the next").start()
    with pytest.raises(RuntimeError, match=STALE_WORKER):
        train(trainer, store.of("run"), 1)
    with pytest.raises(RuntimeError, match=STALE_WORKER):
        store.of("run").restore(build)
    assert store.of("run").newest_epoch() == 1


def test_a_replaced_worker_does_not_affect_its_successor(store, build, tmp_path):
    given_up = store.of("run")
    late = begin(build, given_up, 1)
    begin(build, store.of("run"), 2)
    with pytest.raises(RuntimeError, match=STALE_WORKER):
        train(late, given_up, 1)
    assert store.of("run").newest_epoch() == 3
    store.of("run").copy_model(3, tmp_path / MODEL_FILE)


def test_a_replaced_worker_writes_nothing_after_the_end_of_its_run(store, build):
    given_up = store.of("trial")
    late = begin(build, given_up, 1)
    store.of("trial").remove()
    with pytest.raises(RuntimeError, match=STALE_WORKER):
        train(late, given_up, 1)
    assert store.names() == []


def test_unusable_newer_checkpoints_are_replaced(folder_store, build):
    begin(build, folder_store.of("run"), 1)
    for epoch in (2, 3):
        folder_store.of("run").at(epoch).mkdir()
    begin(build, folder_store.of("run"), 1)
    assert [path.name for path in folder_store.of("run").newest_first()] == ["epoch-0002"]


def test_the_source_can_save_after_an_adopt(store, build):
    donors, heirs = store.of("donor"), store.of("heir")
    donor = begin(lambda: build(1), donors, 1)
    begin(lambda: build(2), heirs, 1)
    store.adopt("heir", "donor", 1)
    train(donor, donors, 1)
    again = store.of("heir")
    begin(build, again, 1)
    assert (store.of("donor").newest_epoch(), again.newest_epoch()) == (2, 2)


def test_a_missing_folder_is_not_created(tmp_path, build):
    elsewhere = SharedFolder(tmp_path / "not mounted", "this run")
    with pytest.raises(PlaceMissingError, match=str(tmp_path / "not mounted")):
        elsewhere.of("run").restore(build)
    assert list(tmp_path.iterdir()) == []


def test_ended_trials_without_checkpoints_cost_no_request(
    bucket_store, build, tmp_path, monkeypatch
):
    names = [trial_name(number) for number in range(3)]
    for name in names[1:]:
        begin(build, bucket_store.of(name), 1)
    asked, delete_folder = [], Bucket.delete_folder

    def counted(bucket, folder):
        asked.append(folder)
        delete_folder(bucket, folder)

    monkeypatch.setattr(Bucket, "delete_folder", counted)
    replace(settings_in(tmp_path, 1), store=bucket_store).drop_checkpoints([0, 1])
    assert asked == names[1:2]
    assert bucket_store.names() == names[2:]


def test_temporary_files_of_killed_workers_are_deleted(bucket_store, build, tmp_path, monkeypatch):
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    left, used = (
        tmp_path / f"tune-mnist-{gethostname()}-{process}-x/checkpoint"
        for process in (ended.pid, os.getpid())
    )
    for folder in (left, used):
        folder.mkdir(parents=True)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    begin(build, bucket_store.of("run"), 1)
    assert list(tmp_path.iterdir()) == [used.parent]


def test_a_bucket_keeps_only_the_newest_checkpoint(bucket_store, build):
    train(build(), bucket_store.of("run"), 3)
    assert objects_of(bucket_store, "run") == ["model.pt", "state.pt", "whole"]


def test_a_worker_that_becomes_stale_during_an_upload_keeps_the_previous_checkpoint(
    bucket_store, build
):
    trainer = train(build(), bucket_store.of("run"), 1)
    trainer.run_epoch()
    write = trainer.save

    def slow_save(directory):
        write(directory)
        replace(bucket_store, run="the next").start()

    trainer.save = slow_save
    with pytest.raises(RuntimeError, match=STALE_WORKER):
        bucket_store.of("run").save(trainer)
    assert bucket_store.of("run").newest_epoch() == 1


def test_a_partial_upload_is_ignored_and_deleted_later(bucket_store, build):
    train(build(), bucket_store.of("run"), 1)
    half = bucket_store.of("run").new_key(2)
    bucket_store.bucket.write(f"{half}/{MODEL_FILE}", b"half of")
    run = bucket_store.of("run")
    trainer, complaints = run.restore(build)
    assert (trainer.epoch, complaints) == (1, [])
    train(trainer, run, 1)
    assert objects_of(bucket_store, "run") == ["attempt", "model.pt", "state.pt", "whole"]


@pytest.mark.parametrize("harm", ["cut short", "gone"])
def test_a_damaged_checkpoint_is_skipped_and_named(bucket_store, build, harm):
    run, bucket = bucket_store.of("run"), bucket_store.bucket
    train(build(), run, 1)
    damaged = run.new_key(2)
    for file in ("state.pt", "whole"):
        bucket.copy(f"{run.key_of(1)}/{file}", f"{damaged}/{file}")
    if harm == "cut short":
        bucket.write(f"{damaged}/{MODEL_FILE}", b"half of")
    trainer, complaints = run.restore(build)
    assert trainer.epoch == 1
    assert len(complaints) == 1
    assert complaints[0].startswith(f"{bucket}/{damaged}/model.pt: ")


class GoneBucket(Bucket):
    """Bucket whose listing fails like that of a missing bucket."""

    def objects(self, folder=""):
        raise FileNotFoundError(errno.ENOENT, "Path does not exist", self.uri)


def test_a_missing_bucket_is_not_reported_as_a_disk_error(bucket_store, build):
    gone = replace(bucket_store, bucket=GoneBucket(bucket_store.bucket.uri))
    with pytest.raises(FileNotFoundError) as caught:
        gone.of("run").restore(build)
    assert caught.value.filename == bucket_store.bucket.uri


def test_a_missing_epoch_is_an_error(bucket_store, tmp_path):
    with pytest.raises(StorageError, match=r"run\b.* 3\b"):
        bucket_store.of("run").copy_model(3, tmp_path / MODEL_FILE)
