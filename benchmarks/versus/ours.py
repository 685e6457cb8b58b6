"""This project's search, run by its command without final runs.

The rows are read from the output of the command, with the time of each line. The wall time
includes the report at the end. The last lines of the log show how the workers spent their time.
"""

import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import click

from benchmarks.epoch_reports import epoch_reports
from benchmarks.versus.contestant import SPACE, Task, common_options, open_log
from benchmarks.versus.time_shares import time_shares
from tune_mnist.command import run

LINE = re.compile(r"\] #(?P<trial>\d+) epoch (?P<epoch>\d+)/\d+ val_accuracy (?P<value>[\d.]+)")


@click.command()
@common_options
def main(**options: Any) -> int:
    """Search with tune_mnist."""
    task = Task(**options)
    log = open_log(task)
    ends: dict[tuple[int, int], float] = {}
    with tempfile.TemporaryDirectory() as folder:
        command = [
            *(sys.executable, "-u", "-m", "tune_mnist.search", "--space", str(SPACE)),
            *("--num-samples", str(task.num_samples), "--max-epochs", str(task.max_epochs)),
            *("--max-concurrent", str(task.workers), "--cpus-per-trial", "1"),
            *("--device", task.device, "--gpus-per-trial", f"{task.gpus:g}"),
            *("--seed", str(task.seed), "--dataset", task.dataset, "--final-seeds", "0"),
            *(["--data-dir", str(task.data_dir)] if task.data_dir else []),
            "--portfolio" if task.portfolio else "--no-portfolio",
            *("--output-dir", folder, "--name", "search"),
        ]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603
            for line in process.stdout or ():
                click.echo(line, nl=False)
                found = LINE.search(line)
                if found:
                    number, epoch, now = int(found["trial"]), int(found["epoch"]), time.time()
                    log.add(number, epoch, float(found["value"]), now)
                    ends[number, epoch] = now
        ended = time.time()
        if not process.returncode and ends:
            reports = epoch_reports(Path(folder, "search"))
            lengths = {(trial, each["epoch"]): each["epoch_seconds"] for trial, each in reports}
            click.echo(time_shares(ends, lengths, task.workers, log.started, ended))
    return process.returncode


if __name__ == "__main__":
    run(main)
