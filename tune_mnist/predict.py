"""Command ``predict``: classify images with a trained model."""

from pathlib import Path
from typing import Any

import click
import cloup

from tune_mnist.command import run
from tune_mnist.command_options import (
    MODEL_GROUP,
    SETTINGS,
    grouped,
    models_option,
    own,
    trained_model,
)
from tune_mnist.errors import UserError
from tune_mnist.notices import notice
from tune_mnist.process import import_torch, set_up_process

_RESULT = "Result"
_PICTURES = cloup.Argument(
    ["images"],
    metavar="IMAGE...",
    type=click.Path(path_type=Path),
    nargs=-1,
    required=True,
    help="Image of one digit (PNG, JPEG, ...) of any size, dark on light or light on dark, or"
    " an IDX file of 28x28 images, plain or gzipped. A model that was trained on other data"
    " of your own takes image files and IDX files with the image size and colors of that data.",
)
_OPTIONS = (
    trained_model(required=False),
    own(
        "--ensemble",
        MODEL_GROUP,
        "Results folder of a search; its ensemble classifies, in place of a --model.",
        type=click.Path(path_type=Path),
        metavar="FOLDER",
    ),
    models_option(MODEL_GROUP),
    own(
        "--format",
        _RESULT,
        "Output format.  [default: table in a terminal, else csv]",
        choices=("table", "csv"),
    ),
)


@cloup.command(
    params=[_PICTURES, *grouped((MODEL_GROUP, _RESULT), _OPTIONS)], context_settings=SETTINGS
)
def predict(
    models: tuple[str, ...], model: Path | None, ensemble: Path | None, **given: Any
) -> None:
    """Classify images with a trained model and print the probability of each class.

    The model gets images like those that it was trained on. For MNIST and other IDX files of 28x28
    images, the digit in an image of any size is cut out, scaled to 20x20 pixels and centred in
    28x28. For the data set digits, the digit is scaled to fill the image. For other data, an image
    is used unchanged, so it must have the size and colors of the training images. The network
    resizes its input if it needs to.

    Columns of the output: the path of the image; index, its number in an IDX file, from 0; ink,
    whether its digit is dark or light on its background (empty if the image is used unchanged);
    class, the most probable one; and the probability of each class (p0, p1, ..., or p_NAME).
    """
    if model is not None and ensemble is not None:
        raise UserError("--model cannot be combined with --ensemble: give one of them")
    if model is None and ensemble is None:
        raise UserError(
            "neither --model nor --ensemble is given: give the folder of a trained model or the"
            " results folder of a search"
        )
    set_up_process()
    notice("importing PyTorch")
    # Imported late: PyTorch takes seconds, too long for --help and for Ctrl-C.
    import_torch()
    from tune_mnist.models.user_modules import load_models
    from tune_mnist.predict_run import predict_images

    load_models(models)
    predict_images(model=model, ensemble=ensemble, **given)


if __name__ == "__main__":
    run(predict)
