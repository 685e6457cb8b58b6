"""Parsed recipes for the tests."""

from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
LAUNCHER = ("aws.yaml", "on-premise.yaml")
KUBERAY = {"RayCluster": "raycluster.yaml", "RayJob": "rayjob.yaml"}


def launcher_config(name: str) -> dict[str, Any]:
    config: dict[str, Any] = yaml.safe_load((DEPLOY / name).read_text())
    return config


def manifest(kind: str) -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load((DEPLOY / "kubernetes" / KUBERAY[kind]).read_text())
    assert content["kind"] == kind
    return content


def cluster_spec(kind: str) -> dict[str, Any]:
    """Return the cluster specification in a manifest."""
    spec: dict[str, Any] = manifest(kind)["spec"]
    return spec if kind == "RayCluster" else spec["rayClusterSpec"]


def pods(kind: str) -> list[dict[str, Any]]:
    """Return the templates of all pods, the head's first."""
    spec = cluster_spec(kind)
    groups = [spec["headGroupSpec"], *spec["workerGroupSpecs"]]
    return [group["template"] for group in groups]


def instructions() -> list[tuple[str, str]]:
    """Return the Dockerfile's instructions with their arguments, continued lines joined."""
    text = (DEPLOY / "Dockerfile").read_text().replace("\\\n", " ")
    lines = [line.strip() for line in text.splitlines()]
    pairs = [line.split(maxsplit=1) for line in lines if line and not line.startswith("#")]
    return [(word, rest) for word, rest in pairs]
