"""Do all nodes of a cluster see the results folder? Found out before there is work to lose."""

import time
from pathlib import Path
from tempfile import TemporaryDirectory
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


def check_shared(directory: Path) -> None:
    """See that what the driver writes is there on each node, and the other way round.

    Asked of the nearest folder above that exists already: one that all nodes share holds folders
    that they share. A single node has nothing to share. Nodes that join later are not asked.

    Args:
        directory: the results folder; need not exist.

    Raises:
        UserError: a node does not see the place, or sees another one there; names both.
    """
    nodes = [node for node in ray.nodes() if node["Alive"]]
    if len(nodes) < 2:
        return
    place = nearest_existing(directory)
    with TemporaryDirectory(dir=place, prefix=".tune-mnist-") as folder:
        probe = Path(folder, uuid4().hex)
        probe.touch()
        answers = {node["NodeID"]: Path(folder, uuid4().hex) for node in nodes}
        look = ray.remote(num_cpus=0, max_retries=0)(_look)
        asked = {
            node: look.options(
                scheduling_strategy=NodeAffinitySchedulingStrategy(node, soft=False)
            ).remote(str(probe), str(answer))
            for node, answer in answers.items()
        }
        for node in nodes:
            complaint = _complaint(asked[node["NodeID"]], answers[node["NodeID"]])
            if complaint:
                raise UserError(
                    f"--output-dir {directory.parent}: must lie on a file system that all"
                    f" {len(nodes)} nodes of the cluster share, under the same path: node"
                    f" {node['NodeManagerAddress']} ({node['NodeManagerHostname']}) {complaint}"
                )


def _complaint(asked: "ray.ObjectRef[str]", answer: Path) -> str:
    """Return what is wrong with a node that was asked, or an empty text."""
    try:
        complaint: str = ray.get(asked, timeout=TASK_SECONDS)
    except GetTimeoutError:
        return f"has not answered for {TASK_SECONDS} seconds"
    except RayError as error:
        return f"cannot run a task: {str(error).strip().splitlines()[-1]}"
    if complaint or _seen(answer):
        return complaint
    return f"writes into another {answer.parent.parent} than this machine"


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
