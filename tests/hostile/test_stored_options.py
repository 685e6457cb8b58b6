"""Stored addresses, paths and URIs are used only if the user or a folder of the user has them."""

import http.server
import json
import os
import shutil
import threading
from socketserver import ThreadingMixIn

import pytest

from tests.hostile.folders import NOWHERE, edit, stranger_folder
from tune_mnist.command import run
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
def resume(monkeypatch, capsys):
    """Return a function that resumes a folder: exit status, stdout and the error line."""

    def resumed(folder, *more):
        monkeypatch.setattr("sys.argv", ["search", "--resume", str(folder), *map(str, more)])
        with pytest.raises(SystemExit) as caught:
            run(search)
        out, err = capsys.readouterr()
        assert err.startswith("error: ")
        assert err.count("\n") == 1
        return caught.value.code, out, err

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
    assert f"repeat {OPTIONS[key]} {STORED[key]}," in error


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
    _, _, error = resume(folder, "--address", "127.0.0.1:1", "--mlflow", "")
    assert "no Ray cluster at '127.0.0.1:1'" in error


def test_trust_stored_confirms_all_stored_values(resume, folder):
    store(folder, address="127.0.0.1:1")
    _, out, error = resume(folder, "--trust-stored")
    assert "--address 127.0.0.1:1" in out
    assert "no Ray cluster at '127.0.0.1:1'" in error


def test_values_in_the_users_own_folder_need_no_confirmation(resume, folder, digits, tmp_path):
    own(folder, digits, address="127.0.0.1:1")
    moved = folder.rename(tmp_path / "moved")
    copied = shutil.copytree(moved, tmp_path / "copied")
    for place in (moved, copied):
        assert "no Ray cluster at '127.0.0.1:1'" in resume(place)[2]


def test_a_changed_folder_of_the_user_is_untrusted(resume, folder, digits):
    own(folder, digits, address="127.0.0.1:1")
    store(folder, address="127.0.0.1:2")
    assert "repeat --address 127.0.0.1:2" in resume(folder)[2]


def test_a_signature_is_valid_for_its_own_folder_only(resume, folder, digits):
    signature = own(folder, digits, address="127.0.0.1:1").signature
    assert signature is not None
    edit(folder / "experiment.json", lambda values: values.update(started="another day"))
    assert read_experiment(folder).signature == signature
    assert "repeat --address" in resume(folder)[2]


@pytest.mark.parametrize("signature", ["", "0" * 64, "é", None])
def test_a_forged_signature_is_untrusted(resume, folder, signature):
    store(folder, address="127.0.0.1:1")
    edit(folder / "experiment.json", lambda values: values.update(signature=signature))
    assert "repeat --address" in resume(folder)[2]


def test_the_checkpoints_of_another_search_are_refused(resume, folder, tmp_path):
    shared = tmp_path / "shared"
    store(folder, storage_path=str(shared))
    place = str(shared / "other" / "checkpoints")
    edit(folder / "experiment.json", lambda values: values.update(checkpoints=place))
    _, _, error = resume(folder, "--storage-path", shared, *NOWHERE)
    assert f"its checkpoints are in {place}, not in {shared}/results/checkpoints" in error
    edit(folder / "experiment.json", lambda values: values.update(checkpoints=None))
    assert "not in" in resume(folder, "--storage-path", shared, *NOWHERE)[2]


def test_a_link_in_the_checkpoint_storage_is_refused(resume, folder, digits, tmp_path):
    shared = tmp_path / "shared"
    place = shared / "results" / "checkpoints"
    place.mkdir(parents=True)
    (tmp_path / "outside").mkdir()
    (place / "00002").symlink_to(tmp_path / "outside")
    store(folder, storage_path=str(shared))
    edit(folder / "experiment.json", lambda values: values.update(checkpoints=str(place)))
    _, _, error = resume(folder, "--storage-path", shared, *NOWHERE)
    assert "00002 is a symbolic link" in error


def test_a_folder_of_another_machine_is_untrusted(resume, folder, digits, monkeypatch):
    own(folder, digits, address="127.0.0.1:1")
    monkeypatch.setattr(trust, "this_machine", lambda: "another")
    assert "repeat --address" in resume(folder)[2]


@pytest.mark.parametrize("mode", [0o640, 0o604])
def test_signatures_by_a_key_that_others_can_read_are_untrusted(resume, folder, digits, mode):
    own(folder, digits, address="127.0.0.1:1")
    key = trust.key_path()
    assert key.stat().st_mode & 0o777 == 0o600
    before = key.read_bytes()
    key.chmod(mode)
    assert "repeat --address" in resume(folder)[2]
    own(folder, digits, address="127.0.0.1:1")  # creates another key
    assert key.read_bytes() != before
    assert "no Ray cluster at '127.0.0.1:1'" in resume(folder)[2]


@pytest.mark.parametrize("root", ["/proc/nowhere", "file"])
def test_without_a_key_every_folder_is_untrusted(
    resume, folder, digits, monkeypatch, tmp_path, root
):
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_STATE_HOME", os.path.join(tmp_path, root))  # noqa: PTH118
    assert own(folder, digits, address="127.0.0.1:1").signature is None
    assert "repeat --address" in resume(folder)[2]


def test_trust_stored_needs_a_search_to_resume(monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["search", "--trust-stored"])
    with pytest.raises(SystemExit):
        run(search)
    assert "--trust-stored must be used together" in capsys.readouterr().err
