"""Models of KubeRay's resources, as far as the manifests of this project use them.

They find misspelt and misplaced keys offline. They are written by hand after the custom resource
definitions of KubeRay 1.7.0, which have 2.3 MB; ``test_kuberay`` checks the manifests with the
definitions, too, if they are available.
"""

from typing import Literal

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, alias_generator=to_camel)


class _Metadata(_Part):
    name: str | None = None
    labels: dict[str, str] = {}


class _Seccomp(_Part):
    type: Literal["RuntimeDefault", "Localhost", "Unconfined"]


class _PodSecurity(_Part):
    run_as_non_root: bool
    run_as_user: int
    fs_group: int
    seccomp_profile: _Seccomp


class _Capabilities(_Part):
    drop: list[str]


class _ContainerSecurity(_Part):
    allow_privilege_escalation: bool
    capabilities: _Capabilities


class _Resources(_Part):
    requests: dict[str, str | int]
    limits: dict[str, str | int]


class _Mount(_Part):
    name: str
    mount_path: str


class _Container(_Part):
    name: str
    image: str
    security_context: _ContainerSecurity
    resources: _Resources
    volume_mounts: list[_Mount]


class _Claim(_Part):
    claim_name: str


class _Volume(_Part):
    name: str
    persistent_volume_claim: _Claim


class _Toleration(_Part):
    key: str
    operator: Literal["Equal", "Exists"]
    value: str | None = None
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"]


class _PodSpec(_Part):
    automount_service_account_token: bool = True
    security_context: _PodSecurity
    node_selector: dict[str, str] = {}
    tolerations: list[_Toleration] = []
    volumes: list[_Volume]
    containers: list[_Container]


class _Pod(_Part):
    metadata: _Metadata
    spec: _PodSpec


class _Head(_Part):
    ray_start_params: dict[str, str]
    template: _Pod


class _Workers(_Part):
    group_name: str
    replicas: int
    min_replicas: int
    max_replicas: int
    ray_start_params: dict[str, str]
    template: _Pod


class _Auth(_Part):
    mode: Literal["token", "disabled"]


class _Autoscaler(_Part):
    version: Literal["v1", "v2"]
    idle_timeout_seconds: int
    security_context: _ContainerSecurity


class _ClusterSpec(_Part):
    ray_version: str
    auth_options: _Auth
    enable_in_tree_autoscaling: bool
    autoscaler_options: _Autoscaler
    head_group_spec: _Head
    worker_group_specs: list[_Workers]


class _JobSpec(_Part):
    entrypoint: str
    submission_mode: Literal["K8sJobMode", "HTTPMode", "InteractiveMode", "SidecarMode"]
    shutdown_after_job_finishes: bool
    ttl_seconds_after_finished: int
    backoff_limit: int
    ray_cluster_spec: _ClusterSpec


class RayCluster(_Part):
    """A cluster without a job, which runs until it is deleted."""

    api_version: Literal["ray.io/v1"]
    kind: Literal["RayCluster"]
    metadata: _Metadata
    spec: _ClusterSpec


class RayJob(_Part):
    """A job with its own cluster."""

    api_version: Literal["ray.io/v1"]
    kind: Literal["RayJob"]
    metadata: _Metadata
    spec: _JobSpec
