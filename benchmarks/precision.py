"""Effect of bfloat16 on accuracy: ``python -m benchmarks.precision``.

Trains each network in fp32 and in bf16 from the same seeds, and therefore with the same initial
weights and order of batches. A cosine schedule lowers the learning rate to zero, so that the last
epochs of two runs differ only by the number format. The benchmark compares the best val_accuracy
of each run on all validation images, as means over the seeds. ``<output>.runs.csv`` has a row per
run and is written after each run, so an interrupted benchmark resumes.
"""

from pathlib import Path
from typing import Any

import click
import pandas as pd

from benchmarks.searching import Rows
from benchmarks.tables import show_and_write
from tune_mnist.command import run
from tune_mnist.data import DataSplit, load_dataset, split_dataset
from tune_mnist.models import get_architecture
from tune_mnist.training import TrainConfig, Trainer, resolve_compute

STEM = Path(__file__).with_suffix("")
CASES = ("lenet:28:0.5:12", "alexnet:64:0.1:8", "resnet:32:0.1:8", "vggnet:32:0.1:5")
LR = {"lenet": 3e-3, "alexnet": 3e-4, "resnet": 1e-3, "vggnet": 1e-4}
PRECISIONS = ("fp32", "bf16")
KEY = ("case", "seed", "precision")


def train(case: str, seed: int, precision: str, data: DataSplit) -> dict[str, Any]:
    """Train a network once; return a row with its best val_accuracy.

    Args:
        case: Case, ``<model>:<image size>:<fraction>:<epochs>``.
        seed: Random seed of weights and batches.
        precision: Number format, fp32 or bf16.
        data: Training images to use, and all validation images.
    """
    model, size, _, epochs = case.split(":")
    config = TrainConfig.checked(
        model=model,
        lr=LR[model],
        lr_schedule="cosine",
        image_size=int(size),
        max_epochs=int(epochs),
        seed=seed,
    )
    trainer = Trainer(config, data, resolve_compute("cpu", precision))
    accuracies = [trainer.run_epoch().val_accuracy for _ in range(config.max_epochs)]
    return {
        "case": case,
        "seed": seed,
        "precision": precision,
        "val_accuracy": max(accuracies),
        "images": len(data.train),
    }


def summarise(runs: pd.DataFrame) -> pd.DataFrame:
    """Return a row per case: mean and standard deviation of each format, and their difference.

    Args:
        runs: Rows that :func:`train` returned.
    """
    rows = []
    for case, of_case in runs.groupby("case", sort=False):
        model, size, _, epochs = str(case).split(":")
        means, row = (
            {},
            {"model": model, "image_size": get_architecture(model).input_size(int(size))},
        )
        row |= {"train_images": of_case["images"].iloc[0], "epochs": int(epochs)}
        for precision in PRECISIONS:
            found = 100 * of_case.loc[of_case["precision"] == precision, "val_accuracy"]
            means[precision] = found.mean()
            row[precision] = f"{found.mean():.2f} ± {found.std():.2f}"
        rows.append({**row, "difference_points": round(means["bf16"] - means["fp32"], 3)})
    return pd.DataFrame(rows)


@click.command()
@click.option(
    "--case",
    "cases",
    multiple=True,
    help=f"Case, as model:size:fraction:epochs.  [default: {', '.join(CASES)}]",
)
@click.option("--seeds", type=click.IntRange(min=2), default=3, show_default=True)
@click.option("--dataset", default="mnist", show_default=True)
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    default=STEM,
    help="Output path without extension.",
)
def main(cases: tuple[str, ...], seeds: int, dataset: str, output: Path) -> None:
    """Compare the val_accuracy of networks in fp32 and in bf16."""
    images = load_dataset(dataset)
    output.parent.mkdir(parents=True, exist_ok=True)
    rows = Rows(output.with_suffix(".runs.csv"), [*KEY])
    done = set(rows.frame[[*KEY]].itertuples(index=False, name=None))
    for case in cases or CASES:
        data = split_dataset(images, float(case.split(":")[2]), 1.0)
        for seed in range(seeds):
            for precision in PRECISIONS:
                if (case, seed, precision) not in done:
                    row = train(case, seed, precision, data)
                    rows.add(pd.DataFrame([row]))
                    click.echo(row)
    title = f"{dataset}: best val_accuracy in %, mean ± sd over {seeds} seeds, cosine schedule"
    show_and_write(summarise(rows.frame), output, title)


if __name__ == "__main__":
    run(main)
