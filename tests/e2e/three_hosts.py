"""Three hosts on one machine, one cut off during a search: ``python -m tests.e2e.three_hosts``.

Each host is a network namespace with its own address; a bridge connects them. All share the disk,
as hosts share NFS. The head has no CPUs, each worker has one, and Ray requires a token. The same
search of LeNet runs twice: undisturbed, and with the link of a worker cut while it trains and a
new worker that joins later. Needs Linux, root and iproute2, and takes about five minutes. All
namespaces and links are removed at the end.
"""

import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import click
import pandas as pd

from tune_mnist.data import load_dataset

BRIDGE = "tmbridge"
NETWORK = "10.77.0"
PORT = 6379
HEAD, STAYS, IS_CUT, JOINS = 1, 2, 3, 4
RAY = [sys.executable, "-m", "ray.scripts.scripts", "start", "--block", "--disable-usage-stats"]
SMALL = ["--object-store-memory", "200000000"]


def ip(*arguments: str) -> None:
    """Run ``ip``; exit with a one-line error if it fails."""
    done = subprocess.run(["ip", *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"error: ip {' '.join(arguments)}: {done.stderr.strip()}")


def address(host: int) -> str:
    return f"{NETWORK}.{host}"


@contextmanager
def network() -> Iterator[None]:
    """Create the bridge that connects the hosts."""
    ip("link", "add", BRIDGE, "type", "bridge")
    try:
        ip("link", "set", BRIDGE, "up")
        yield
    finally:
        ip("link", "del", BRIDGE)


@contextmanager
def host(number: int) -> Iterator[list[str]]:
    """Create a network namespace with an address; yield the prefix of commands that run in it."""
    name, cable = f"tm{number}", f"tmcable{number}"
    ip("netns", "add", name)
    try:
        ip("link", "add", cable, "type", "veth", "peer", "name", "eth0", "netns", name)
    except SystemExit:
        ip("netns", "del", name)
        raise
    try:
        ip("link", "set", cable, "master", BRIDGE, "up")
        for arguments in (
            ["addr", "add", f"{address(number)}/24", "dev", "eth0"],
            ["link", "set", "eth0", "up"],
            ["link", "set", "lo", "up"],
        ):
            ip("-n", name, *arguments)
        yield ["ip", "netns", "exec", name]
    finally:
        # The namespace's end of the link would remain until its last process has ended.
        ip("link", "del", cable)
        ip("netns", "del", name)


@contextmanager
def ray_node(number: int, folder: Path, environment: dict[str, str]) -> Iterator[list[str]]:
    """Start Ray on a host; yield the prefix of commands that run on it."""
    role = ["--address", f"{address(HEAD)}:{PORT}", "--num-cpus", "1"]
    if number == HEAD:
        role = ["--head", "--port", str(PORT), "--num-cpus", "0", "--include-dashboard", "false"]
    log = folder / f"host{number}.log"
    # The path of a socket is limited to 107 characters.
    sockets = tempfile.mkdtemp(prefix="ray-")
    with host(number) as on_host, log.open("wb") as output:
        process = subprocess.Popen(
            [
                *(*on_host, *RAY, *SMALL, *role),
                *("--node-ip-address", address(number), "--temp-dir", sockets),
            ],
            env=os.environ | environment,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            wait_until(lambda: "Ray runtime started" in log.read_text(), process, log)
            yield on_host
        finally:
            end_all_in(number)
            process.wait()
            shutil.rmtree(sockets, ignore_errors=True)


def end_all_in(number: int) -> None:
    """Kill all processes in a namespace."""
    listed = subprocess.run(
        ["ip", "netns", "pids", f"tm{number}"], capture_output=True, text=True, check=True
    )
    for pid in listed.stdout.split():
        os.kill(int(pid), signal.SIGKILL)


def wait_until(
    condition: Callable[[], bool], process: "subprocess.Popen[bytes]", log: Path
) -> None:
    """Wait until a condition is true; show the log of the process if it ends or takes too long."""
    deadline = time.monotonic() + 300
    while not condition():
        if process.poll() is not None or time.monotonic() > deadline:
            raise SystemExit(f"error: {log}:\n{log.read_text()}")
        time.sleep(0.2)


def search(name: str, cut: bool, folder: Path, options: tuple[str, ...]) -> dict[str, object]:
    """Run the search on two workers; return its duration and results.

    Args:
        name: Name of the results folder.
        cut: Whether a worker is cut off during the search, and another one joins.
        folder: Folder for the results and the logs.
        options: Options of the search, besides those for addresses and folders.
    """
    token = folder / "auth_token"
    token.write_text(secrets.token_hex(32))
    token.chmod(0o600)
    member = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN_PATH": str(token)}
    log = folder / f"{name}.log"
    with ExitStack() as stack:
        stack.enter_context(network())
        on_head = stack.enter_context(ray_node(HEAD, folder, member))
        for number in (STAYS, IS_CUT):
            stack.enter_context(ray_node(number, folder, member))
        start = time.monotonic()
        process = subprocess.Popen(
            [
                *(*on_head, sys.executable, "-m", "tune_mnist.search", *options),
                *("--address", f"{address(HEAD)}:{PORT}"),
                *("--output-dir", str(folder), "--name", name),
            ],
            env=os.environ | member,
            stdout=stack.enter_context(log.open("wb")),
            stderr=subprocess.STDOUT,
        )

        def says(text: str) -> Callable[[], bool]:
            return lambda: text in log.read_text()

        if cut:
            results = folder / name / "ray"
            wait_until(lambda: trained_on(results, IS_CUT) >= 2, process, log)
            ip("link", "set", f"tmcable{IS_CUT}", "down")
            was_cut = time.monotonic()
            click.echo(f"{name}: {address(IS_CUT)} is cut off")
            wait_until(says("has left the cluster"), process, log)
            click.echo(f"{name}: noticed after {time.monotonic() - was_cut:.0f} s")
            stack.enter_context(ray_node(JOINS, folder, member))
            click.echo(f"{name}: {address(JOINS)} joins")
        process.wait()
        seconds = time.monotonic() - start
    click.echo(
        "".join(f"    {line}\n" for line in log.read_text().splitlines() if "node " in line)
    )
    trials = pd.read_csv(folder / name / "trials.csv")
    return {
        "search": name,
        "exit": process.returncode,
        "seconds": round(seconds),
        "states": trials["state"].value_counts().to_dict(),
        "epochs by node": {
            address(number): trained_on(folder / name / "ray", number)
            for number in (STAYS, IS_CUT, JOINS)
        },
    }


def trained_on(results: Path, number: int) -> int:
    """Return the number of epochs that a host has reported."""
    here = f'"node_ip": "{address(number)}"'
    return sum(path.read_text().count(here) for path in results.glob("*/result.json"))


@click.command(context_settings={"ignore_unknown_options": True})
@click.option("--only", type=click.Choice(["undisturbed", "cut"]), help="One of the two runs.")
@click.option("--output", type=click.Path(path_type=Path), help="Keeps the results there.")
@click.argument("options", nargs=-1)
def main(only: str | None, output: Path | None, options: tuple[str, ...]) -> None:
    """Run a search undisturbed and with a worker cut off; OPTIONS are options of the search."""
    if os.geteuid() or not shutil.which("ip"):
        raise SystemExit("error: needs root and iproute2 (the command ip), on Linux")
    load_dataset("mnist")  # the hosts cannot download it
    given = ("--num-samples", "12", "--max-epochs", "9", "--final-seeds", "0", *options)
    folder = (output or Path(tempfile.mkdtemp(prefix="three-hosts-"))).absolute()
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("undisturbed", "cut"):
        if only in (None, name):
            click.echo(search(name, name == "cut", folder, given))
    click.echo(f"results and logs: {folder}")


if __name__ == "__main__":
    main()
