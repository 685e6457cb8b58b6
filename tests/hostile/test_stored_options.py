"""Stored addresses, paths and URIs are used only if the user or a folder of the user has them."""

import http.server
import json
import os
import shutil
import threading
from socketserver import ThreadingMixIn

import pytest

from tests.hostile.folders import NOWHERE, edit, stranger_folder
from tests.messages import assert_named
from tune_mnist.search import search
from tune_mnist.tuning.results_folder import trust
from tune_mnist.tuning.results_folder.experiment_file import read_experiment, write_experiment

STORED = {
    "address": "127.0.0.1:1",
    "mlflow": "http://127.0.0.1:1",
    "storage_path": "/nowhere/at/all",
    "data_dir": "/nowhere/images",
    "warm_start": "/nowhere/earlier",
}
OPTIONS = {key: f"--{key.replace('_', '-')}" for key in STORED}


@pytest.fixture
def resume(run_command):
    """Return a function that resumes a folder: exit status, stdout and the error line."""

    def resumed(folder, *more):
        status, out, err = run_command(search, "--resume", folder, *more)
        assert err.startswith("error: ")
        assert err.count("\n") == 1
        return status, out, err

    return resumed


@pytest.fixture
def folder(tmp_path, digits, digits_lenet):
    return stranger_folder(tmp_path / "results", digits, digits_lenet)


def store(folder, **values):
    """Store options in the folder, as its author could."""
    edit(folder / "experiment.json", lambda experiment: experiment["options"].update(values))


def own(folder, digits, **values):
    """Write the folder's ``experiment.json`` with this user's signature."""
    store(folder, **values)
    earlier = read_experiment(folder)
    space = earlier.search_space(folder)
    options = earlier.options_with(space, {})
    return write_experiment(folder, space, options, digits, {}, "a command", earlier)


def is_used(outcome):
    """Return whether the address was used: the error is that of a connection to it."""
    return "127.0.0.1:1" in outcome[2] and "--trust-stored" not in outcome[2]


def is_to_be_repeated(outcome, address="127.0.0.1:1"):
    """Return whether the error asks the user to repeat the address."""
    return f"--address {address}" in outcome[2] and "--trust-stored" in outcome[2]


class Listener(ThreadingMixIn, http.server.HTTPServer):
    """A server that records connections."""

    daemon_threads = True

    def __init__(self):
        self.heard = []
        super().__init__(("127.0.0.1", 0), http.server.BaseHTTPRequestHandler)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def address(self):
        return f"127.0.0.1:{self.server_port}"

    def get_request(self):
        connection, client = super().get_request()
        self.heard.append(client)
        return connection, client


@pytest.fixture
def listener():
    with Listener() as server:
        yield server
        server.shutdown()


@pytest.mark.parametrize("key", STORED)
def test_values_that_only_an_untrusted_folder_names_are_shown_but_not_used(resume, folder, key):
    store(folder, **{key: STORED[key]})
    nowhere = () if key == "address" else NOWHERE
    status, _, error = resume(folder, *nowhere)
    assert status == 2
    assert_named([f"{OPTIONS[key]} {STORED[key]}", "--trust-stored"], error)


@pytest.mark.parametrize("value", [[], {}, 7, True, "\ud800", "nul\0l", "[" * 400 + "]" * 400])
@pytest.mark.parametrize("key", STORED)
def test_a_stored_value_of_another_type_is_refused(resume, folder, key, value):
    if isinstance(value, str) and value.startswith("["):
        value = json.loads(value)
    store(folder, **{key: value})
    nowhere = () if key == "address" else NOWHERE
    assert resume(folder, *nowhere)[0] == 2


def test_all_untrusted_values_are_shown_at_once(resume, folder):
    store(folder, **STORED)
    _, _, error = resume(folder)
    assert all(f"{OPTIONS[key]} {value}" in error for key, value in STORED.items())


@pytest.mark.parametrize(("key", "start"), [("address", ""), ("mlflow", "http://")])
def test_no_connection_is_made_to_an_untrusted_address(
    resume, folder, listener, monkeypatch, key, start
):
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", "my-secret-token")
    store(folder, **{key: start + listener.address})
    assert resume(folder, *(() if key == "address" else NOWHERE))[0] == 2
    assert listener.heard == []


def test_values_repeated_on_the_command_line_are_used(resume, folder):
    store(folder, address="127.0.0.1:1", mlflow="http://127.0.0.1:1")
    assert is_used(resume(folder, "--address", "127.0.0.1:1", "--mlflow", ""))


def test_trust_stored_confirms_all_stored_values(resume, folder):
    store(folder, address="127.0.0.1:1")
    outcome = resume(folder, "--trust-stored")
    assert "--address 127.0.0.1:1" in outcome[1]
    assert is_used(outcome)


def test_values_in_the_users_own_folder_need_no_confirmation(resume, folder, digits, tmp_path):
    own(folder, digits, address="127.0.0.1:1")
    moved = folder.rename(tmp_path / "moved")
    copied = shutil.copytree(moved, tmp_path / "copied")
    for place in (moved, copied):
        assert is_used(resume(place))


def test_a_changed_folder_of_the_user_is_untrusted(resume, folder, digits):
    own(folder, digits, address="127.0.0.1:1")
    store(folder, address="127.0.0.1:2")
    assert is_to_be_repeated(resume(folder), "127.0.0.1:2")


def test_a_signature_is_valid_for_its_own_folder_only(resume, folder, digits):
    signature = own(folder, digits, address="127.0.0.1:1").signature
    assert signature is not None
    edit(folder / "experiment.json", lambda values: values.update(started="another day"))
    assert read_experiment(folder).signature == signature
    assert is_to_be_repeated(resume(folder))


@pytest.mark.parametrize("signature", ["", "0" * 64, "é", None])
def test_a_forged_signature_is_untrusted(resume, folder, signature):
    store(folder, address="127.0.0.1:1")
    edit(folder / "experiment.json", lambda values: values.update(signature=signature))
    assert is_to_be_repeated(resume(folder))


def test_the_checkpoints_of_another_search_are_refused(resume, folder, tmp_path):
    shared = tmp_path / "shared"
    store(folder, storage_path=str(shared))
    place = str(shared / "other" / "checkpoints")
    edit(folder / "experiment.json", lambda values: values.update(checkpoints=place))
    own_place = f"{shared}/results/checkpoints"
    assert_named([place, own_place], resume(folder, "--storage-path", shared, *NOWHERE)[2])
    edit(folder / "experiment.json", lambda values: values.update(checkpoints=None))
    assert_named([own_place], resume(folder, "--storage-path", shared, *NOWHERE)[2])


def test_a_link_in_the_checkpoint_storage_is_refused(resume, folder, digits, tmp_path):
    shared = tmp_path / "shared"
    place = shared / "results" / "checkpoints"
    place.mkdir(parents=True)
    (tmp_path / "outside").mkdir()
    (place / "00002").symlink_to(tmp_path / "outside")
    store(folder, storage_path=str(shared))
    edit(folder / "experiment.json", lambda values: values.update(checkpoints=str(place)))
    _, _, error = resume(folder, "--storage-path", shared, *NOWHERE)
    assert_named([str(place / "00002"), "link"], error)


def test_a_folder_of_another_machine_is_untrusted(resume, folder, digits, monkeypatch):
    own(folder, digits, address="127.0.0.1:1")
    monkeypatch.setattr(trust, "this_machine", lambda: "another")
    assert is_to_be_repeated(resume(folder))


@pytest.mark.parametrize("mode", [0o640, 0o604])
def test_signatures_by_a_key_that_others_can_read_are_untrusted(resume, folder, digits, mode):
    own(folder, digits, address="127.0.0.1:1")
    key = trust.key_path()
    assert key.stat().st_mode & 0o777 == 0o600
    before = key.read_bytes()
    key.chmod(mode)
    assert is_to_be_repeated(resume(folder))
    own(folder, digits, address="127.0.0.1:1")  # creates another key
    assert key.read_bytes() != before
    assert is_used(resume(folder))


@pytest.mark.parametrize("root", ["/proc/nowhere", "file"])
def test_without_a_key_every_folder_is_untrusted(
    resume, folder, digits, monkeypatch, tmp_path, root
):
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_STATE_HOME", os.path.join(tmp_path, root))  # noqa: PTH118
    assert own(folder, digits, address="127.0.0.1:1").signature is None
    assert is_to_be_repeated(resume(folder))
