"""Command: train one configuration (``python -m tune_mnist.train``)."""

from pathlib import Path
from typing import Any

import click

from tune_mnist.command import models_option, run, set_up_process


@click.command()
@click.option("--model", required=True, help="lenet, alexnet, resnet or vggnet.")
@click.option("--lr", type=float, required=True, help="Learning rate.")
@click.option("--dropout", type=float, default=0.0, show_default=True, help="0 <= dropout < 1.")
@click.option("--batch-size", type=int, default=64, show_default=True)
@click.option("--optimizer", default="adam", show_default=True, help="sgd, adam, adamw, rmsprop.")
@click.option(
    "--lr-schedule", default="constant", show_default=True, help="constant or cosine (to zero)."
)
@click.option("--momentum", type=float, default=0.0, show_default=True, help="sgd and rmsprop.")
@click.option("--weight-decay", type=float, default=0.0, show_default=True)
@click.option(
    "--epochs", type=click.IntRange(min=1), help="[default: 10 for lenet, 3 for the others]"
)
@click.option("--fraction", type=float, help="Of the training part.  [default: lenet 1, else 0.1]")
@click.option(
    "--init", default="derived", show_default=True, help="Initial weights: derived or torch."
)
@click.option("--image-size", type=int, default=64, show_default=True, help="LeNet: always 32.")
@click.option("--dataset", default="mnist", show_default=True)
@click.option(
    "--data-dir", type=click.Path(path_type=Path), help="Folder with the four IDX files."
)
@click.option("--seed", type=int, default=0, show_default=True)
@click.option("--precision", default="auto", show_default=True, help="auto, fp32 or bf16.")
@click.option("--device", default="auto", show_default=True, help="auto, cpu or cuda.")
@click.option("--name", help="Of the results folder.  [default: model and time]")
@click.option(
    "--output-dir", type=click.Path(path_type=Path), default=Path("results"), show_default=True
)
@models_option
def train(models: tuple[str, ...], **given: Any) -> None:
    """Train one configuration, and test it."""
    # PyTorch takes seconds to import: neither --help nor a Ctrl-C in between should meet that.
    set_up_process()
    from tune_mnist.models.user_modules import load_models
    from tune_mnist.single_run import train_and_test

    load_models(models)
    train_and_test(**given)


if __name__ == "__main__":
    run(train)
