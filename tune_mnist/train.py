"""Command ``train``: train and test one configuration."""

from typing import Any

import click
import cloup

from tune_mnist.collector import collector_suspended
from tune_mnist.command import run
from tune_mnist.command_options import (
    SETTINGS,
    derived,
    grouped,
    models_option,
    own,
    results_options,
)
from tune_mnist.declarations import Option
from tune_mnist.notices import notice
from tune_mnist.process import import_torch, set_up_process
from tune_mnist.training.config import HYPERPARAMETERS, TrainConfig
from tune_mnist.training.settings import (
    LARGE_EPOCHS,
    LARGE_FRACTION,
    LIGHT_EPOCHS,
    LIGHT_FRACTION,
    RUN_IMAGE_SIZE,
)
from tune_mnist.tuning.options.option_fields import OptionFields
from tune_mnist.tuning.options.option_presentation import DATA, MACHINES, RESULTS


def _by_weight(light: float, large: float) -> str:
    return f"{light:g} for light networks such as lenet, {large:g} for the others"


NOT_RESUMABLE = "a single run writes its results at its end and cannot be resumed"
"""What users are told when they interrupt a run."""

_CONFIGURATION = "Configuration"
_GROUPS = (_CONFIGURATION, DATA, MACHINES, RESULTS)
_OPTIONS = (
    *derived(
        TrainConfig,
        without=("max_epochs",),
        presentation={name: Option(_CONFIGURATION) for name in HYPERPARAMETERS}
        | {"image_size": Option(DATA, default=str(RUN_IMAGE_SIZE))},
    ),
    own(
        "--epochs",
        _CONFIGURATION,
        f"Number of epochs.  [default: {_by_weight(LIGHT_EPOCHS, LARGE_EPOCHS)}]",
        type=click.IntRange(min=1),
        metavar="INT",
    ),
    *derived(
        OptionFields,
        only=("dataset", "data_dir", "transpose", "fraction", "device", "precision"),
        presentation={
            "fraction": Option(DATA, default=_by_weight(LIGHT_FRACTION, LARGE_FRACTION))
        },
    ),
    models_option(_CONFIGURATION),
    own(
        "--model-option",
        _CONFIGURATION,
        "Keyword argument of the network's constructor; may be repeated.  [default: the"
        " constructor's own defaults]",
        multiple=True,
        metavar="KEYWORD=VALUE",
    ),
    *results_options(RESULTS, default_name="model and time"),
)


@cloup.command(params=grouped(_GROUPS, _OPTIONS), context_settings=SETTINGS)
def train(model_option: tuple[str, ...], **given: Any) -> None:
    """Train one configuration and evaluate it on the test set."""
    set_up_process()
    notice("importing PyTorch")
    # Imported late: PyTorch takes seconds, too long for --help and for Ctrl-C.
    try:
        import_torch()
        with collector_suspended():
            from tune_mnist.api.training import run_training
        from tune_mnist.models.keywords import join_keys, parse_options

        named = {key: value for key, value in given.items() if value is not None}
        run_training(**named, **join_keys(parse_options(model_option)))
    except KeyboardInterrupt:
        raise KeyboardInterrupt(NOT_RESUMABLE) from None


if __name__ == "__main__":
    run(train)
