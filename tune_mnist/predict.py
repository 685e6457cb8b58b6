"""Command: let a trained model read pictures (``python -m tune_mnist.predict``)."""

from pathlib import Path
from typing import Any

import click
import cloup

from tune_mnist.command import run
from tune_mnist.command_options import SETTINGS, grouped, models_option, own, trained_model
from tune_mnist.process import set_up_process

MODEL = "Model"
RESULT = "Result"
PICTURES = cloup.Argument(
    ["images"],
    metavar="IMAGE...",
    type=click.Path(path_type=Path),
    nargs=-1,
    required=True,
    help="Picture of one digit (PNG, JPEG, ...), dark on light or light on dark, of any size; or"
    " an IDX file of 28x28 images, plain or gzipped. A network that was trained on other data"
    " takes pictures and IDX files of that data's size and colours.",
)
OPTIONS = (
    trained_model(MODEL),
    models_option(MODEL),
    own(
        "--format",
        RESULT,
        "Form of the output.  [default: table in a terminal, else csv]",
        choices=("table", "csv"),
    ),
)


@cloup.command(params=[PICTURES, *grouped((MODEL, RESULT), OPTIONS)], context_settings=SETTINGS)
def predict(models: tuple[str, ...], **given: Any) -> None:
    """Say which class pictures show, and how probable each class is."""
    # PyTorch takes seconds to import: neither --help nor a Ctrl-C in between should meet that.
    set_up_process()
    from tune_mnist.models.user_modules import load_models
    from tune_mnist.predict_run import predict_images

    load_models(models)
    predict_images(**given)


if __name__ == "__main__":
    run(predict)
