"""The recipes for Ray's cluster launcher: schema, tokens, loopback and spot workers."""

import copy

import jsonschema
import pytest
from ray.autoscaler._private.util import prepare_config, validate_config

from tests.deploy.recipes import DEPLOY, LAUNCHER, launcher_config

every_recipe = pytest.mark.parametrize("name", LAUNCHER)


@every_recipe
def test_ray_accepts_every_recipe(name):
    validate_config(prepare_config(launcher_config(name)))


@every_recipe
def test_ray_refuses_a_misspelt_key(name):
    config = copy.deepcopy(launcher_config(name)) | {"max_worker": 3}
    with pytest.raises(jsonschema.ValidationError, match="max_worker"):
        validate_config(prepare_config(config))


@every_recipe
def test_ray_is_started_with_a_token_on_every_node(name):
    config = launcher_config(name)
    starts = [
        command
        for key in ("head_start_ray_commands", "worker_start_ray_commands")
        for command in config[key]
        if "ray start" in command
    ]
    assert len(starts) == 2
    for command in starts:
        # Each command has its own shell, so the mode must be set in the same command.
        assert "RAY_AUTH_MODE=token ~/venv/bin/ray start" in command
    home = f"/home/{config['auth']['ssh_user']}"
    assert config["file_mounts"][f"{home}/.ray/auth_token"] == "~/.ray/auth_token"
    assert "chmod 600 ~/.ray/auth_token" in config["setup_commands"]


@every_recipe
def test_the_dashboard_is_on_loopback(name):
    (head,) = (
        command
        for command in launcher_config(name)["head_start_ray_commands"]
        if "--head" in command
    )
    assert "--dashboard-host=127.0.0.1" in head.split()


def test_no_token_is_written_into_a_recipe():
    for path in DEPLOY.rglob("*"):
        assert path.is_dir() or "RAY_AUTH_TOKEN=" not in path.read_text()


def test_cloud_workers_are_spot_instances_and_the_head_is_not():
    config = launcher_config("aws.yaml")
    types = dict(config["available_node_types"])
    head = types.pop(config["head_node_type"])
    assert "InstanceMarketOptions" not in head["node_config"]
    assert head["resources"] == {"CPU": 0}
    assert len(types) == 2
    for worker in types.values():
        assert worker["node_config"]["InstanceMarketOptions"] == {"MarketType": "spot"}
