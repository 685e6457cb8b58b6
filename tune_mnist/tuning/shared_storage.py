"""Do all nodes of a cluster see the results folder? Found out before there is work to lose."""

import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import uuid4

import ray
from ray.exceptions import GetTimeoutError, RayError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from tune_mnist.errors import UserError
from tune_mnist.results import nearest_existing

# A node may first have to unpack the runtime environment.
TASK_SECONDS = 120
# Network file systems may take their time to show what another machine has written.
SEEN_SECONDS = 5


class Probe:
    """One node, asked whether it sees what the driver writes, and the other way round.

    Args:
        node: as ``ray.nodes()`` describes it.
        place: a folder that exists; nothing is left in it.
    """

    def __init__(self, node: dict[str, Any], place: Path) -> None:
        self._folder = TemporaryDirectory(dir=place, prefix=".tune-mnist-")
        probe = Path(self._folder.name, uuid4().hex)
        probe.touch()
        self._answer = Path(self._folder.name, uuid4().hex)
        look = ray.remote(num_cpus=0, max_retries=0)(_look)
        self._asked = look.options(
            scheduling_strategy=NodeAffinitySchedulingStrategy(node["NodeID"], soft=False)
        ).remote(str(probe), str(self._answer))

    def is_answered(self) -> bool:
        """Tell whether ``complaint`` would not wait for the node."""
        return bool(ray.wait([self._asked], timeout=0)[0])

    def complaint(self) -> str:
        """Wait for the answer; return what is wrong with the node, or an empty text."""
        try:
            complaint: str = ray.get(self._asked, timeout=TASK_SECONDS)
            if complaint or _seen(self._answer):
                return complaint
            return f"writes into another {self._answer.parent.parent} than this machine"
        except GetTimeoutError:
            return f"has not answered for {TASK_SECONDS} seconds"
        except RayError as error:
            return f"cannot run a task: {str(error).strip().splitlines()[-1]}"
        finally:
            self.close()

    def close(self) -> None:
        """Remove what was written to find out."""
        self._folder.cleanup()


def check_shared(directory: Path) -> None:
    """See that what the driver writes is there on each node, and the other way round.

    Asked of the nearest folder above that exists already: one that all nodes share holds folders
    that they share. A single node has nothing to share.

    Args:
        directory: the results folder; need not exist.

    Raises:
        UserError: a node does not see the place, or sees another one there; names both.
    """
    nodes = [node for node in ray.nodes() if node["Alive"]]
    if len(nodes) < 2:
        return
    place = nearest_existing(directory)
    probes = [Probe(node, place) for node in nodes]
    try:
        for node, probe in zip(nodes, probes, strict=True):
            complaint = probe.complaint()
            if complaint:
                raise UserError(
                    f"--output-dir {directory.parent}: must lie on a file system that all"
                    f" {len(nodes)} nodes of the cluster share, under the same path:"
                    f" {node_name(node)} {complaint}"
                )
    finally:
        for probe in probes:
            probe.close()


def node_name(node: dict[str, Any]) -> str:
    """Return what people call a node."""
    return f"node {node['NodeManagerAddress']} ({node['NodeManagerHostname']})"


def _look(probe: str, answer: str) -> str:
    """Look for the driver's file on a node, leave one there, and return what is wrong, if it is.

    Args:
        probe: the driver's file.
        answer: the file to leave, in the same folder.
    """
    place = Path(probe).parent.parent
    if not _seen(Path(probe)):
        return f"does not see what this machine writes into {place}"
    try:
        Path(answer).touch()
    except OSError as error:
        return f"cannot write into {place}: {error.strerror}"
    return ""


def _seen(path: Path) -> bool:
    """Wait until a file is there, but not for long."""
    deadline = time.monotonic() + SEEN_SECONDS
    while not path.exists():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True
