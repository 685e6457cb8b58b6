"""Validation of authentication modes and tokens."""

import secrets
import stat
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.messages import assert_named, assert_refused, refusal
from tune_mnist.tuning.cluster.auth_settings import (
    check_mode,
    check_token_readable,
    private_token,
)
from tune_mnist.tuning.cluster.connection import connect

DAMAGED = [b"", b"\n", b"two\nlines", b"\xff\xfe\x00", b"with space", b"nul\0", "ü".encode()]


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch, tmp_path):
    for name in ("RAY_AUTH_MODE", "RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH", "RAY_ADDRESS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))


@pytest.mark.parametrize("address", [None, "127.0.0.1:6379", "auto"])
@pytest.mark.parametrize("mode", ["tokn", "enabled", "true", "disable", "none", " token"])
def test_an_unknown_mode_is_refused(monkeypatch, mode, address):
    monkeypatch.setenv("RAY_AUTH_MODE", mode)
    facts = ["RAY_AUTH_MODE", "token", "disabled", mode]
    if address == "127.0.0.1:6379":
        assert_refused(facts[:3], check_mode)
        return
    assert_refused(facts, connect, address)


def test_mode_is_read_without_regard_to_case(monkeypatch):
    assert check_mode() is None
    for given, mode in (("", None), ("TOKEN", "token"), ("disabled", "disabled")):
        monkeypatch.setenv("RAY_AUTH_MODE", given)
        assert check_mode() == mode


@pytest.mark.parametrize("content", DAMAGED)
@pytest.mark.parametrize("named", [True, False])
def test_an_invalid_token_is_reported_with_its_file(tmp_path, monkeypatch, content, named):
    path = tmp_path / ".ray" / "auth_token"
    path.parent.mkdir()
    path.write_bytes(content)
    if named:
        monkeypatch.setenv("RAY_AUTH_TOKEN_PATH", str(path))
    assert_refused([str(path), "one line"], check_token_readable)


def test_the_error_does_not_contain_the_token(monkeypatch):
    monkeypatch.setenv("RAY_AUTH_TOKEN", "se cret")
    message = refusal(check_token_readable)
    assert_named(["RAY_AUTH_TOKEN", "one line"], message)
    assert "cret" not in message


def test_a_missing_token_file_is_reported(monkeypatch):
    monkeypatch.setenv("RAY_AUTH_TOKEN_PATH", "/nowhere/auth_token")
    assert_refused("RAY_AUTH_TOKEN_PATH /nowhere/auth_token", check_token_readable)


def test_a_valid_token_is_accepted(tmp_path, monkeypatch):
    check_token_readable()
    path = tmp_path / "auth_token"
    path.write_text(secrets.token_hex(32) + "\n")
    monkeypatch.setenv("RAY_AUTH_TOKEN_PATH", str(path))
    check_token_readable()


@pytest.mark.parametrize("before", [None, b"", b"\xff\xfe", b"abc"])
def test_a_private_token_is_readable_by_its_owner_only_and_is_kept(tmp_path, before):
    path = tmp_path / "auth_token"
    if before is not None:
        path.write_bytes(before)
        path.chmod(0o644)
    assert private_token(tmp_path) == path
    written = path.read_text()
    assert (written == "abc") if before == b"abc" else len(written) == 64
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert private_token(tmp_path).read_text() == written
    assert list(tmp_path.iterdir()) == [path]


def test_searches_that_start_at_the_same_time_share_a_token(tmp_path):
    start = threading.Barrier(8)

    def token(_):
        start.wait()
        return private_token(tmp_path).read_text()

    with ThreadPoolExecutor(8) as threads:
        assert len(set(threads.map(token, range(8)))) == 1
