"""The programs that `make monitoring` starts, and the metrics of the Grafana dashboard."""

import json
import os
import re
import shutil
import subprocess

import pytest

from tests.deploy.recipes import DEPLOY
from tests.messages import assert_named
from tests.waiting import PATIENCE
from tune_mnist.tuning.watching.live_metrics import (
    BEST_METRIC,
    BY_STATE,
    BY_TRIAL,
    OF_SEARCH,
    OF_TRIAL,
    TRIALS,
)

MONITORING = DEPLOY / "monitoring"
DASHBOARD = MONITORING / "grafana" / "dashboards" / "tune_mnist.json"
# Ray adds a prefix to the names of metrics.
TAGS = {f"ray_{name}": OF_TRIAL for name in BY_TRIAL} | {
    f"ray_{TRIALS}": BY_STATE,
    f"ray_{BEST_METRIC}": OF_SEARCH,
}


@pytest.fixture(scope="module")
def dashboard():
    return json.loads(DASHBOARD.read_text())


@pytest.fixture(scope="module")
def queries(dashboard):
    return [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]


def test_the_dashboard_shows_every_exported_metric_and_no_other(queries):
    asked = {name for query in queries for name in re.findall(r"ray_\w+", query)}
    assert asked == set(TAGS)


def test_queries_use_labels_that_the_metric_has(queries):
    for query in queries:
        (name,) = re.findall(r"ray_\w+", query)
        used = re.findall(r'(\w+)[=!]~?"', query)
        used += re.findall(r"by \((\w+)\)", query)
        assert used
        assert set(used) <= set(TAGS[name]), query


def test_panels_have_titles_and_do_not_overlap(dashboard):
    panels = dashboard["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    taken = set()
    for panel in panels:
        assert panel["title"]
        assert panel["type"] in ("stat", "timeseries")
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert place["x"] + place["w"] <= 24
        assert not taken & cells
        taken |= cells


def test_a_missing_prometheus_is_named(tmp_path):
    tools = tmp_path / "bin"
    tools.mkdir()
    for name in ("bash", "dirname", "env"):
        (tools / name).symlink_to(shutil.which(name))
    result = subprocess.run(
        [MONITORING / "start.sh"],
        env={"PATH": str(tools)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 1
    assert result.stderr.startswith("error: ")
    assert_named("prometheus PATH", result.stderr)
    assert list(tmp_path.iterdir()) == [tools]


def test_grafana_shows_metrics_without_a_login_and_admits_no_administrator(tmp_path):
    """Scripts replace both programs, and print the settings that they were started with."""
    tools = tmp_path / "bin"
    tools.mkdir()
    (tools / "prometheus").write_text("#!/bin/sh\nexec sleep 3600\n")
    (tools / "grafana").write_text("#!/bin/sh\nenv\n")
    for tool in tools.iterdir():
        tool.chmod(0o755)
    result = subprocess.run(
        [MONITORING / "start.sh"],
        env={"PATH": f"{tools}:{os.environ['PATH']}"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )
    settings = dict(line.split("=", 1) for line in result.stdout.splitlines() if "=" in line)
    assert settings["GF_SERVER_HTTP_ADDR"] == "127.0.0.1"
    assert settings["GF_AUTH_ANONYMOUS_ORG_ROLE"] == "Viewer"
    assert settings["GF_AUTH_DISABLE_LOGIN_FORM"] == "true"
    assert settings["GF_AUTH_BASIC_ENABLED"] == "false"


def test_prometheus_discovers_the_ray_of_a_search(tmp_path):
    tools, place = tmp_path / "bin", tmp_path / "tmp"
    tools.mkdir()
    (tools / "prometheus").write_text("#!/bin/sh\ncat $2\n")
    (tools / "prometheus").chmod(0o755)
    ray = place / f"ray-{os.getuid()}" / "ray"
    ray.mkdir(parents=True)
    (ray / "prom_metrics_service_discovery.json").touch()
    result = subprocess.run(
        [MONITORING / "start.sh"],
        env={"PATH": f"{tools}:{os.environ['PATH']}", "TMPDIR": str(place)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )
    assert f"- {ray}/prom_metrics_service_discovery.json" in result.stdout


@pytest.mark.skipif(shutil.which("promtool") is None, reason="no promtool")
def test_prometheus_accepts_the_configuration():
    subprocess.run(
        ["promtool", "check", "config", MONITORING / "prometheus.yml"],
        check=True,
        capture_output=True,
    )
