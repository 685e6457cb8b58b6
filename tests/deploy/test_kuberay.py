"""The manifests for KubeRay: keys, tokens, permissions and shared volumes."""

import hashlib
import os
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from pydantic import ValidationError

from tests.deploy import kuberay
from tests.deploy.recipes import DEPLOY, KUBERAY, cluster_spec, manifest, pods

RELEASE = "v1.7.0"
CRDS = (
    f"https://raw.githubusercontent.com/ray-project/kuberay/{RELEASE}"
    "/ray-operator/config/crd/bases/"
)
SHA256 = {
    "RayCluster": "c44704442eef0c6721ad40c1d66782c8bd3fdab9d3344306a5820910a679baa1",
    "RayJob": "01a5cf3b17c1769fda44af7e82debcd98722f0c27b9ab84d084681c6649121f5",
}

# Labels of the operator's pod in the installations of KubeRay 1.7.
OPERATOR = {
    "helm": {
        "app.kubernetes.io/name": "kuberay-operator",
        "app.kubernetes.io/instance": "kuberay-operator",
        "app.kubernetes.io/component": "kuberay-operator",
    },
    "kustomize": {
        "app.kubernetes.io/name": "kuberay",
        "app.kubernetes.io/component": "kuberay-operator",
    },
}

every_kind = pytest.mark.parametrize("kind", list(KUBERAY))


def definition(kind: str) -> bytes:
    """Return KubeRay's definition of a resource, from the folder KUBERAY_CRDS."""
    name = f"ray.io_{kind.lower()}s.yaml"
    folder = os.environ.get("KUBERAY_CRDS")
    if not folder:
        pytest.skip(f"KUBERAY_CRDS may name a folder with {CRDS}{name}")
    content = Path(folder, name).read_bytes()
    assert hashlib.sha256(content).hexdigest() == SHA256[kind], f"not {RELEASE}'s {name}"
    return content


def closed(schema: Any) -> Any:
    """Refuse keys that a definition lacks; Kubernetes would ignore them silently."""
    if isinstance(schema, list):
        return [closed(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    schema = {key: closed(value) for key, value in schema.items()}
    if schema.get("x-kubernetes-int-or-string"):
        schema.pop("type", None)
    if isinstance(schema.get("properties"), dict):
        schema.setdefault("additionalProperties", False)
    return schema


@every_kind
def test_a_manifest_has_only_known_keys(kind):
    getattr(kuberay, kind).model_validate(manifest(kind))


@every_kind
def test_a_misspelt_key_is_found(kind):
    wrong = manifest(kind)
    wrong["spec"]["authOption"] = {"mode": "token"}
    with pytest.raises(ValidationError, match="authOption"):
        getattr(kuberay, kind).model_validate(wrong)


@every_kind
def test_a_manifest_fits_kuberays_definition(kind):
    versions = yaml.load(definition(kind), yaml.SafeLoader)["spec"]["versions"]
    (version,) = (version for version in versions if version["name"] == "v1")
    schema = closed(version["schema"]["openAPIV3Schema"])
    schema["properties"]["metadata"] = {"type": "object"}
    validator = jsonschema.Draft202012Validator(schema)
    assert [error.message for error in validator.iter_errors(manifest(kind))] == []
    wrong = manifest(kind)
    wrong["spec"]["authOption"] = {}
    (error,) = validator.iter_errors(wrong)
    assert "'authOption' was unexpected" in error.message


@every_kind
def test_the_token_is_required(kind):
    assert cluster_spec(kind)["authOptions"] == {"mode": "token"}
    names = {
        variable["name"]
        for pod in pods(kind)
        for container in pod["spec"]["containers"]
        for variable in container.get("env", [])
    }
    assert not names & {"RAY_AUTH_MODE", "RAY_AUTH_TOKEN"}  # would override the operator's


def test_the_dashboard_is_on_loopback_unless_the_operator_needs_it():
    hosts = {
        kind: cluster_spec(kind)["headGroupSpec"]["rayStartParams"]["dashboard-host"]
        for kind in KUBERAY
    }
    assert hosts == {"RayCluster": "127.0.0.1", "RayJob": "0.0.0.0"}  # noqa: S104


def network_policy() -> dict[str, Any]:
    documents = yaml.safe_load_all((DEPLOY / "kubernetes" / "results.yaml").read_text())
    (policy,) = (one["spec"] for one in documents if one["kind"] == "NetworkPolicy")
    return policy


@every_kind
def test_only_pods_of_the_cluster_and_the_operator_can_connect(kind):
    policy = network_policy()
    chosen = policy["podSelector"]["matchLabels"]
    assert all(chosen.items() <= pod["metadata"]["labels"].items() for pod in pods(kind))
    assert policy["policyTypes"] == ["Ingress"]
    own, operator = policy["ingress"]
    assert own == {"from": [{"podSelector": {"matchLabels": chosen}}]}
    assert operator["ports"] == [{"protocol": "TCP", "port": 8265}]


@pytest.mark.parametrize("installed_by", list(OPERATOR))
def test_the_operator_can_connect_from_any_namespace(installed_by):
    _, operator = network_policy()["ingress"]
    (peer,) = operator["from"]
    assert peer["namespaceSelector"] == {}
    asked = peer["podSelector"]["matchLabels"]
    assert asked.items() <= OPERATOR[installed_by].items()
    assert asked  # an empty selector would admit every pod


@every_kind
def test_no_container_is_or_becomes_root(kind):
    for pod in pods(kind):
        assert pod["spec"]["securityContext"]["runAsNonRoot"] is True
    contexts = [
        container["securityContext"]
        for pod in pods(kind)
        for container in pod["spec"]["containers"]
    ]
    # The operator adds a container for the autoscaler to the head's pod.
    for context in [*contexts, cluster_spec(kind)["autoscalerOptions"]["securityContext"]]:
        assert context["allowPrivilegeEscalation"] is False
        assert context["capabilities"] == {"drop": ["ALL"]}


@every_kind
def test_all_pods_mount_the_results(kind):
    documents = list(yaml.safe_load_all((DEPLOY / "kubernetes" / "results.yaml").read_text()))
    (claim,) = (one for one in documents if one["kind"] == "PersistentVolumeClaim")
    assert claim["spec"]["accessModes"] == ["ReadWriteMany"]
    for pod in pods(kind):
        (volume,) = pod["spec"]["volumes"]
        assert volume["persistentVolumeClaim"]["claimName"] == claim["metadata"]["name"]
        for container in pod["spec"]["containers"]:
            assert {"name": volume["name"], "mountPath": "/results"} in container["volumeMounts"]


@every_kind
def test_trials_run_on_spot_workers_and_not_on_the_head(kind):
    spec = cluster_spec(kind)
    assert spec["enableInTreeAutoscaling"] is True
    assert spec["headGroupSpec"]["rayStartParams"]["num-cpus"] == "0"
    cpu, gpu = spec["workerGroupSpecs"]
    assert cpu["minReplicas"] >= 1  # a search needs room for one trial at its start
    limits = gpu["template"]["spec"]["containers"][0]["resources"]["limits"]
    assert limits["nvidia.com/gpu"] == 1
    for group in (cpu, gpu):
        pod = group["template"]["spec"]
        (label,) = pod["nodeSelector"]
        assert label in {toleration["key"] for toleration in pod["tolerations"]}
        assert group["minReplicas"] <= group["replicas"] <= group["maxReplicas"]


def test_the_job_writes_its_results_to_the_shared_volume():
    words = manifest("RayJob")["spec"]["entrypoint"].split()
    assert words[words.index("--output-dir") + 1] == "/results"
    assert "--address" not in words
