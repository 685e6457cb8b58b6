"""Command: write a trained model as ONNX or .pt2 (``python -m tune_mnist.export``)."""

from pathlib import Path
from typing import Any

import click
import cloup

from tune_mnist.command import run
from tune_mnist.command_options import (
    SETTINGS,
    derived,
    grouped,
    models_option,
    own,
    trained_model,
)
from tune_mnist.declarations import Option
from tune_mnist.process import set_up_process
from tune_mnist.tuning.options.option_fields import OptionFields

MODEL = "Model"
FILE = "File to write"
CHECK = "Images to check the file on"
OPTIONS = (
    trained_model(MODEL),
    models_option(MODEL),
    own(
        "--format",
        FILE,
        "ONNX, or the format of torch.export.  [default: onnx]",
        choices=("onnx", "torch"),
        default="onnx",
    ),
    own(
        "--output",
        FILE,
        "File to write.  [default: <model>.onnx or <model>.pt2 here]",
        type=click.Path(path_type=Path),
        metavar="FILE",
    ),
    *derived(
        OptionFields,
        only=("dataset", "data_dir"),
        presentation={
            "dataset": Option(CHECK, default="mnist; random images where the model has others")
        },
        group=CHECK,
    ),
)


@cloup.command(params=grouped((MODEL, FILE, CHECK), OPTIONS), context_settings=SETTINGS)
def export(models: tuple[str, ...], **given: Any) -> None:
    """Write a trained model to a file that needs none of this project's code.

    The file takes images as uint8 (N, 28, 28), light digits on dark ground, or (N, S, S) and
    (N, S, S, 3) as in the data of your own that the model was trained on. It gives the
    probabilities of the classes, float32 (N, C), and names them in its metadata. It is compared
    with the original on up to 1,000 images before it gets its name.
    """
    # PyTorch takes seconds to import: neither --help nor a Ctrl-C in between should meet that.
    set_up_process()
    from tune_mnist.export_run import export_model
    from tune_mnist.models.user_modules import load_models

    load_models(models)
    export_model(**{key: value for key, value in given.items() if value is not None})


if __name__ == "__main__":
    run(export)
