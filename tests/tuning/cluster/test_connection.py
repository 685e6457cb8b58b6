"""Start of a real Ray, its resources, and refused addresses."""

import errno
import os
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from tests.buckets import held_port
from tests.messages import assert_refused
from tune_mnist.tuning.cluster.connection import connect, connected
from tune_mnist.tuning.cluster.placement import check_placeable

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def resources():
    with connected(None) as found:
        yield found


def test_resources_of_this_machine(resources):
    assert resources.nodes == 1
    assert resources.cpus >= 1
    assert resources.dashboard is None or resources.dashboard.startswith("http://127.0.0.1:")


@pytest.mark.parametrize("share", [0.1, 0.5, 1.0])
def test_trials_that_fit_are_accepted(resources, share):
    check_placeable(share * resources.cpus, 0)
    check_placeable(share * resources.cpus, share * resources.gpus)


def test_too_many_cores_per_trial_are_refused(resources):
    wanted = resources.cpus + 1
    facts = f"--cpus-per-trial {wanted:g} {resources.cpus:g}"
    assert_refused(facts, check_placeable, wanted, 0)


def test_too_many_gpus_per_trial_are_refused(resources):
    wanted = resources.gpus + 0.5
    assert_refused(f"--gpus-per-trial {wanted:g}", check_placeable, 1, wanted)


def test_a_closed_port_is_refused():
    with held_port() as port:
        address = f"127.0.0.1:{port}"
        facts = [f"'{address}'", os.strerror(errno.ECONNREFUSED), "'ray start --head'"]
        assert_refused(facts, connect, address)


def test_a_server_that_is_not_ray_is_refused():
    with HTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"127.0.0.1:{server.server_port}"
        assert_refused(f"'{address}'", connect, address)
        server.shutdown()


def test_an_address_of_rays_client_is_refused():
    facts = ["ray://127.0.0.1:10001", "on a node", "--address auto"]
    assert_refused(facts, connect, "ray://127.0.0.1:10001")


@pytest.mark.parametrize("address", ["nowhere", "127.0.0.1", "localhost:port", ":6379"])
def test_an_invalid_address_is_refused(address):
    assert_refused(["--address", address, "host:port"], connect, address)


def test_an_invalid_ray_address_variable_is_refused(monkeypatch):
    monkeypatch.setenv("RAY_ADDRESS", "nowhere")
    assert_refused("RAY_ADDRESS host:port nowhere", connect, None)
