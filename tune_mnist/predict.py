"""Command: let a trained model read digits (``python -m tune_mnist.predict``)."""

from pathlib import Path
from typing import Any

import click

from tune_mnist.command import models_option, run
from tune_mnist.process import set_up_process


@click.command()
@click.option(
    "--model",
    type=click.Path(path_type=Path),
    required=True,
    help="results/<search>/best/<model>, or results/<single run>.",
)
@click.option(
    "--format",
    type=click.Choice(["table", "csv"]),
    help="[default: table in a terminal, else csv]",
)
@click.argument(
    "images", metavar="IMAGE...", type=click.Path(path_type=Path), nargs=-1, required=True
)
@models_option
def predict(models: tuple[str, ...], **given: Any) -> None:
    """Say which digits pictures show, and how probable each class is.

    IMAGE is a picture of one digit (PNG, JPEG, ...), dark on light or light on dark, of any size;
    or an IDX file of 28x28 images, plain or gzipped.
    """
    # PyTorch takes seconds to import: neither --help nor a Ctrl-C in between should meet that.
    set_up_process()
    from tune_mnist.models.user_modules import load_models
    from tune_mnist.predict_run import predict_images

    load_models(models)
    predict_images(**given)


if __name__ == "__main__":
    run(predict)
