"""Validation of --storage-path, and checks of its location before a search."""

from pathlib import Path

import pytest

from tests.buckets import held_port
from tests.messages import assert_named, assert_refused, refusal
from tune_mnist.tuning.cluster.shared_storage import check_usable
from tune_mnist.tuning.storage.bucket import Bucket
from tune_mnist.tuning.storage.storage_path import (
    checked_storage_path,
    checkpoints_of_search,
    require_free,
)


@pytest.mark.parametrize(
    ("given", "meant", "place"),
    [
        ("/mnt/nfs", "/mnt/nfs", "/mnt/nfs/first/checkpoints"),
        ("file:///mnt/n%20fs/", "/mnt/n fs/", "/mnt/n fs/first/checkpoints"),
        ("s3://bucket", "s3://bucket", "s3://bucket/first/checkpoints"),
        (
            "s3://bucket/a/b/?region=eu-west-1",
            "s3://bucket/a/b/?region=eu-west-1",
            "s3://bucket/a/b/first/checkpoints?region=eu-west-1",
        ),
        ("gs://bucket/a", "gs://bucket/a", "gs://bucket/a/first/checkpoints"),
    ],
)
def test_each_search_has_its_own_folder(given, meant, place):
    assert checked_storage_path(given) == meant
    assert checkpoints_of_search(meant, "first") == place


def test_a_relative_path_becomes_absolute():
    assert checked_storage_path("shared") == str(Path.cwd() / "shared")


@pytest.mark.parametrize("given", ["", "ftp://bucket/a", "s3://", "s3:///a", "file://host/a"])
def test_an_unsupported_location_is_refused(given):
    assert_refused("--storage-path s3://bucket/folder gs://", checked_storage_path, given)


@pytest.mark.parametrize(
    "given", ["s3://AKIA123:secret456@bucket/a", "s3://AKIA123@bucket/a", "gs://AKIA123@bucket/a"]
)
def test_credentials_are_refused_and_not_shown(given):
    message = refusal(checked_storage_path, given)
    assert_named("credentials", message)
    assert "AKIA123" not in message
    assert "secret456" not in message


def test_a_public_bucket_needs_no_credentials():
    assert checked_storage_path("gs://anonymous@bucket/a") == "gs://anonymous@bucket/a"


def test_an_unknown_option_is_named():
    address = "s3://bucket/a?regoin=eu-west-1"
    assert_refused("'regoin' 'region'", checked_storage_path, address)


def test_a_usable_bucket_is_left_unchanged(s3_options):
    check_usable(f"s3://bucket/used?{s3_options}")
    assert Bucket(f"s3://bucket/used?{s3_options}").objects() == []


def test_a_usable_folder_is_left_unchanged(tmp_path):
    check_usable(str(tmp_path / "not" / "yet"))
    assert list(tmp_path.iterdir()) == []


def test_a_missing_bucket_is_reported(s3_options):
    facts = "--storage-path s3://no-such-bucket/a NO_SUCH_BUCKET"
    assert_refused(facts, check_usable, f"s3://no-such-bucket/a?{s3_options}")


def test_an_unreachable_store_is_reported(s3_options):
    with held_port() as port:
        nowhere = f"s3://bucket/a?endpoint_override=127.0.0.1:{port}&scheme=http"
        assert_refused("s3://bucket/a NETWORK_CONNECTION", check_usable, nowhere)


def test_a_file_instead_of_a_folder_is_reported(tmp_path):
    (tmp_path / "file").touch()
    file = str(tmp_path / "file")
    assert_refused(["--storage-path", file], check_usable, file)


def test_an_existing_location_is_refused(s3_options, tmp_path):
    for storage in (str(tmp_path), f"s3://bucket/mixed?{s3_options}"):
        place = checkpoints_of_search(storage, "first")
        require_free(place)
        if storage == str(tmp_path):
            Path(place).mkdir(parents=True)
        else:
            Bucket(place).write("run", b"an earlier one")
        assert_refused("first/checkpoints", require_free, place)
        require_free(checkpoints_of_search(storage, "second"))
