"""Command: write a trained model as ONNX or .pt2 (``python -m tune_mnist.export``)."""

from pathlib import Path
from typing import Any

import click
import cloup

from tune_mnist.command import run
from tune_mnist.command_options import (
    MODEL_GROUP,
    SETTINGS,
    derived,
    grouped,
    models_option,
    own,
    trained_model,
)
from tune_mnist.declarations import Option
from tune_mnist.notices import notice
from tune_mnist.process import import_torch, set_up_process
from tune_mnist.tuning.options.option_fields import OptionFields

_FILE = "File to write"
_CHECK = "Images to check the file on"
_OPTIONS = (
    trained_model(),
    models_option(MODEL_GROUP),
    own(
        "--format",
        _FILE,
        "ONNX, or the format of torch.export.  [default: onnx]",
        choices=("onnx", "torch"),
        default="onnx",
    ),
    own(
        "--output",
        _FILE,
        "File to write.  [default: <model>.onnx or <model>.pt2 in the current folder]",
        type=click.Path(path_type=Path),
        metavar="FILE",
    ),
    *derived(
        OptionFields,
        only=("dataset", "data_dir"),
        presentation={
            "dataset": Option(
                _CHECK,
                default="mnist, or random images for a model of another shape of images",
            )
        },
        group=_CHECK,
    ),
)


@cloup.command(params=grouped((MODEL_GROUP, _FILE, _CHECK), _OPTIONS), context_settings=SETTINGS)
def export(models: tuple[str, ...], **given: Any) -> None:
    """Export a trained model to a file that runs without this package.

    The exported model takes uint8 images of shape (N, 28, 28), light digits on a dark background;
    a model trained on your own data takes (N, S, S) or (N, S, S, 3) images of the same kind. It
    returns the class probabilities as float32 (N, C). The class names are in the metadata of the
    file. The file is written only if its probabilities agree with the original on up to 1,000
    images.
    """
    set_up_process()
    notice("importing PyTorch")
    # Imported late: PyTorch takes seconds, too long for --help and for Ctrl-C.
    import_torch()
    from tune_mnist.export_run import export_model
    from tune_mnist.models.user_modules import load_models

    load_models(models)
    export_model(**{key: value for key, value in given.items() if value is not None})


if __name__ == "__main__":
    run(export)
