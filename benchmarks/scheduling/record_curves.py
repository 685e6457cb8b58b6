"""Record learning curves of random LeNet configurations, for the simulated searches.

    nice -n 19 python -m benchmarks.scheduling.record_curves

Samples random configurations from ``search_spaces/lenet.yaml``, and trains each for nine epochs on
a part of MNIST. The output is ``lenet_curves.csv.gz`` with one row per epoch, and
``lenet_curves.json`` with the facts about the run. Both files are rewritten after each
configuration, so an interrupted recording resumes. A larger ``--configurations`` extends an
existing table.

The seconds of an epoch are the processor time of its process, including validation, with one
thread per process. Other work on the machine makes the recording longer, but does not change these
seconds. A configuration that diverges has no accuracy (NaN) from the diverged epoch on, and no
cost after that epoch.
"""

import gzip
import io
import json
import multiprocessing
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import click
import optuna
import pandas as pd
import torch

from tune_mnist.command import run
from tune_mnist.data import DataSplit, load_dataset, split_dataset
from tune_mnist.environment import describe_hardware, package_versions
from tune_mnist.errors import UserError
from tune_mnist.files import write_text
from tune_mnist.training import DivergedError, TrainConfig, Trainer, resolve_compute
from tune_mnist.tuning.spaces.space import SearchSpace, load_space

MODEL = "lenet"
SPACE = Path(__file__).with_name("lenet.yaml")
"""Space file of this benchmark; the shipped space may change, but the recorded curves do not."""

MAX_EPOCHS = 9
TABLE = Path(__file__).with_name("lenet_curves.csv.gz")


@dataclass(frozen=True)
class Recording:
    """Settings that determine the content of the table.

    Attributes:
        fraction: Share of the training part, above 0, up to 1.
        val_fraction: Share of the validation part, above 0, up to 1.
        seed: Random seed of the configurations, weights and batches.
    """

    fraction: float
    val_fraction: float
    seed: int


def draw_configurations(space: SearchSpace, count: int, seed: int) -> list[dict[str, Any]]:
    """Sample random configurations. A larger count extends the list for a smaller count."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=seed))
    trials = [study.ask() for _ in range(count)]
    for trial in trials:
        space.sample(trial)
    return [trial.params for trial in trials]


def train_curve(
    numbered: tuple[int, dict[str, Any]], data: DataSplit, seed: int
) -> list[dict[str, Any]]:
    """Train a configuration, and return its rows of the table, one per epoch.

    Args:
        numbered: Number and parameters of the configuration.
        data: Images, labels and indices.
        seed: Random seed of weights and batches.
    """
    number, parameters = numbered
    torch.set_num_threads(1)
    config = TrainConfig.checked(model=MODEL, max_epochs=MAX_EPOCHS, seed=seed, **parameters)
    trainer = Trainer(config, data, resolve_compute("cpu", "fp32"))
    rows, diverged = [], False
    for epoch in range(1, MAX_EPOCHS + 1):
        start, accuracy = time.process_time(), float("nan")
        if not diverged:
            try:
                accuracy = trainer.run_epoch().val_accuracy
            except DivergedError:
                diverged = True
        seconds = round(time.process_time() - start, 4)
        rows.append(
            {"number": number, "epoch": epoch, "val_accuracy": accuracy, "seconds": seconds}
            | parameters
        )
    return rows


def record(table: Path, recording: Recording, count: int, processes: int) -> None:
    """Train the configurations that the table lacks, and write the table after each of them.

    Raises:
        UserError: The existing table was recorded with other settings.
    """
    space = load_space(str(SPACE))
    data = split_dataset(load_dataset("mnist"), recording.fraction, recording.val_fraction)
    rows = _rows_so_far(table, recording)
    done = {row["number"] for row in rows}
    configurations = draw_configurations(space, count, recording.seed)
    missing = [(n, parameters) for n, parameters in enumerate(configurations) if n not in done]
    # Forked processes share the images. This process must not train before the fork, because
    # PyTorch's threads do not survive it.
    with multiprocessing.get_context("fork").Pool(processes) as pool:
        curves = pool.imap_unordered(
            partial(train_curve, data=data, seed=recording.seed), missing, chunksize=1
        )
        for curve in curves:
            rows += curve
            write_table(table, rows, space)
            _write_facts(table, recording, data, len(rows) // MAX_EPOCHS)
            click.echo(f"{len(rows) // MAX_EPOCHS}/{count}  {_summary(curve)}")


def _rows_so_far(table: Path, recording: Recording) -> list[dict[str, Any]]:
    if not table.exists():
        return []
    facts = json.loads(_facts_path(table).read_text(encoding="utf-8"))
    for name, value in asdict(recording).items():
        if facts[name] != value:
            raise UserError(
                f"{table}: the table was recorded with {name} {facts[name]}, not {value}:"
                " use the same value, or move the table away"
            )
    rows = pd.read_csv(table).to_dict("records")
    return [{str(name): value for name, value in row.items()} for row in rows]


def write_table(table: Path, rows: Iterable[dict[str, Any]], space: SearchSpace) -> None:
    """Write the rows of all curves to a compressed file atomically."""
    columns = ["number", "epoch", "val_accuracy", "seconds", *space.parameter_names]
    frame = pd.DataFrame(rows, columns=columns).sort_values(["number", "epoch"])
    packed = io.BytesIO()
    # Without a time stamp in its header, the file depends only on the rows.
    with gzip.GzipFile(fileobj=packed, mode="wb", mtime=0) as file:
        file.write(frame.to_csv(index=False).encode())
    partial_file = table.with_suffix(".partial")
    partial_file.write_bytes(packed.getvalue())
    partial_file.replace(table)


def _write_facts(table: Path, recording: Recording, data: DataSplit, configurations: int) -> None:
    facts = asdict(recording) | {
        "space": SPACE.stem,
        "configurations": configurations,
        "epochs": MAX_EPOCHS,
        "train_images": len(data.train),
        "val_images": len(data.val),
        "precision": "fp32",
        "threads": 1,
        "seconds": "processor time of the epoch, validation included",
        "hardware": describe_hardware(),
        "versions": package_versions(),
    }
    write_text(_facts_path(table), json.dumps(facts, indent=2) + "\n")


def _facts_path(table: Path) -> Path:
    return table.with_name(table.name.removesuffix(".csv.gz") + ".json")


def _summary(curve: list[dict[str, Any]]) -> str:
    last = curve[-1]
    seconds = sum(row["seconds"] for row in curve)
    return (
        f"#{last['number']}  val_accuracy {last['val_accuracy']:.4f}  {seconds:.1f} s"
        f"  {last['optimizer']} lr {last['lr']:.2g} batch_size {last['batch_size']}"
    )


@click.command()
@click.option("--configurations", type=int, default=200, show_default=True)
@click.option(
    "--fraction", type=float, default=0.25, show_default=True, help="Share of the training part."
)
@click.option("--val-fraction", type=float, default=0.25, show_default=True)
@click.option("--seed", type=int, default=0, show_default=True)
@click.option("--processes", type=int, default=2, show_default=True)
@click.option("--table", type=click.Path(path_type=Path), default=TABLE, show_default=True)
def main(
    configurations: int,
    fraction: float,
    val_fraction: float,
    seed: int,
    processes: int,
    table: Path,
) -> None:
    """Record the learning curves of random LeNet configurations."""
    record(table, Recording(fraction, val_fraction, seed), configurations, processes)


if __name__ == "__main__":
    run(main)
