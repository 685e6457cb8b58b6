import pytest

from tests.messages import assert_refused
from tune_mnist.tuning.options.mlflow_uri import absolute_uri, check_database


def test_local_uris_become_absolute(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert absolute_uri("sqlite:///x.db?timeout=3") == f"sqlite:///{tmp_path}/x.db?timeout=3"
    assert absolute_uri("file:./runs") == f"file:{tmp_path}/runs"
    assert absolute_uri("mlruns") == f"{tmp_path}/mlruns"


@pytest.mark.parametrize(
    "uri",
    ["http://host:5000", "sqlite:////a/x.db", "file:///a", "postgresql://u@h/d", "uc"],
)
def test_other_uris_are_unchanged(uri):
    assert absolute_uri(uri) == uri


@pytest.mark.parametrize("uri", ["sqlite:///", "sqlite://", "sqlite:///:memory:", "sqlite://x.db"])
def test_a_database_without_a_file_is_refused(uri):
    assert_refused([f"--mlflow {uri}"], absolute_uri, uri)


def test_an_unusable_database_is_refused(tmp_path):
    (tmp_path / "text.db").write_text("no database, but a text of some length\n" * 99)
    for path in (tmp_path / "nope" / "x.db", tmp_path, tmp_path / "text.db"):
        assert_refused([str(path)], check_database, f"sqlite:///{path}")
    check_database(f"sqlite:///{tmp_path}/new.db")
    check_database("http://host:5000")
