"""Command: write a trained model as ONNX or .pt2 (``python -m tune_mnist.export``)."""

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
    type=click.Choice(["onnx", "torch"]),
    default="onnx",
    show_default=True,
    help="ONNX, or torch.export.",
)
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    help="File to write.  [default: <model>.onnx or <model>.pt2 here]",
)
@click.option("--dataset", default="mnist", show_default=True, help="To check the file on.")
@click.option(
    "--data-dir", type=click.Path(path_type=Path), help="Folder with the four IDX files."
)
@models_option
def export(models: tuple[str, ...], **given: Any) -> None:
    """Write a trained model to a file that needs none of this project's code.

    The file takes images as uint8 (N, 28, 28), light digits on dark ground, and gives the
    probabilities of the classes, float32 (N, C). It is compared with the original on 1,000 test
    images before it gets its name.
    """
    # PyTorch takes seconds to import: neither --help nor a Ctrl-C in between should meet that.
    set_up_process()
    from tune_mnist.export_run import export_model
    from tune_mnist.models.user_modules import load_models

    load_models(models)
    export_model(**given)


if __name__ == "__main__":
    run(export)
