"""Imports that a worker of Ray makes while it waits for its first trial."""

from tune_mnist.collector import collector_suspended

with collector_suspended():
    import ray.tune  # noqa: F401
    import torch  # noqa: F401
