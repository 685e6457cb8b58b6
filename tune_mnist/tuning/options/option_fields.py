"""Declaration of all options of a search."""

from pathlib import Path
from typing import Annotated

from pydantic import Field, field_validator

from tune_mnist.data.names import ARRAYS, DATASETS
from tune_mnist.declarations import Choices
from tune_mnist.errors import UserError, unknown
from tune_mnist.models.settings import DERIVED, INITS
from tune_mnist.tuning.options.machine_fields import MAX_OPTION_COUNT, MachineFields
from tune_mnist.tuning.options.option_presentation import (
    DATA,
    EARLY_STOPPING,
    FALLBACKS,
    FINAL,
    HOW_MUCH,
    RESULTS,
    WHAT,
    SearchOption,
    from_space,
)
from tune_mnist.tuning.schedulers.registry import (
    DEFAULT_FOR_SEVERAL_OBJECTIVES,
    DEFAULT_SCHEDULER,
    scheduler_names,
)
from tune_mnist.tuning.searching.registry import DEFAULT_SEARCHER, searcher_names
from tune_mnist.tuning.spaces.option_types import EpochCount, Fraction, ImageSize, Samples, Seconds
from tune_mnist.tuning.trials.reports import METRIC, OBJECTIVES
from tune_mnist.typed_options import as_typed


class OptionFields(MachineFields):
    """Declaration of all options of a search.

    Each option is declared only here, as one field. The command-line options of ``search``, their
    help, and the options that ``train`` shares are derived from the fields.
    """

    objective: Annotated[
        str,
        SearchOption(
            WHAT,
            metavar="".join([METRIC, *(f"[,{o}]" for o in OBJECTIVES if o != METRIC)]),
            fixed=True,
            measured=True,
        ),
        Field(
            description="Objectives, separated by commas. With more than one, the search returns a"
            " Pareto set."
        ),
    ] = METRIC
    searcher: Annotated[
        str,
        Choices(searcher_names),
        SearchOption(WHAT, default=f"{DEFAULT_SEARCHER}; random with --scheduler pbt", fixed=True),
        Field(description="Optuna sampler that proposes the configurations."),
    ] = DEFAULT_SEARCHER
    warm_start: Annotated[
        Path | None,
        SearchOption(WHAT, metavar="FOLDER", fixed=True, external=True),
        Field(description="Results folder of an earlier search whose trials are reused."),
    ] = None
    portfolio: Annotated[
        bool,
        SearchOption(WHAT, fixed=True),
        Field(
            description="Try the network's shipped portfolio of configurations first, and"
            " train each of them to its last epoch. LeNet's was chosen on digits, Fashion-MNIST"
            " and MNIST."
        ),
    ] = True
    init: Annotated[
        str,
        Choices(INITS),
        SearchOption(WHAT, fixed=True, measured=True),
        Field(
            description="Initial weights: derived from the activation function (derived), or"
            " PyTorch's defaults (torch)."
        ),
    ] = DERIVED
    seed: Annotated[
        int,
        SearchOption(WHAT, fixed=True),
        Field(
            ge=0,
            lt=2**32,
            description="Random seed for the sampler, the initial weights and the batches.",
        ),
    ] = 0

    num_samples: Annotated[
        Samples,
        SearchOption(HOW_MUCH, default=from_space("num_samples")),
        Field(description="Number of trials."),
    ]
    max_epochs: Annotated[
        EpochCount,
        SearchOption(HOW_MUCH, default=from_space("max_epochs"), fixed=True, measured=True),
        Field(description="Maximum epochs per trial."),
    ]
    time_budget: Annotated[
        Seconds | None,
        SearchOption(HOW_MUCH, default=from_space("time_budget")),
        Field(description="Time after which all trials are ended, such as 90s, 25m or 2h."),
    ] = None
    budget: Annotated[
        Seconds | None,
        SearchOption(HOW_MUCH),
        Field(
            description="Time for the whole search including the final evaluation, such as 10m."
            " Number of trials, epochs, image size, fraction and final seeds are chosen to fit"
            " unless given."
        ),
    ] = None
    target_accuracy: Annotated[
        Fraction | None,
        SearchOption(HOW_MUCH),
        Field(description="Validation accuracy at which the search ends, up to 1."),
    ] = None
    patience: Annotated[
        int | None,
        SearchOption(HOW_MUCH),
        Field(
            ge=1,
            le=MAX_OPTION_COUNT,
            description="Number of consecutive trials without an improvement beyond noise after"
            " which the search ends.",
        ),
    ] = None

    scheduler: Annotated[
        str | None,
        Choices(scheduler_names),
        SearchOption(
            EARLY_STOPPING,
            default=f"{DEFAULT_SCHEDULER}; {DEFAULT_FOR_SEVERAL_OBJECTIVES} with several"
            " objectives",
            fixed=True,
        ),
        Field(description="Scheduler that stops trials early; asha means asha-promotion."),
    ] = None
    grace_period: Annotated[
        int,
        SearchOption(EARLY_STOPPING, default=from_space("grace_period"), fixed=True),
        Field(ge=1, le=MAX_OPTION_COUNT, description="Minimum epochs per trial."),
    ] = FALLBACKS["grace_period"]
    reduction_factor: Annotated[
        int,
        SearchOption(EARLY_STOPPING, fixed=True),
        Field(
            ge=2,
            le=MAX_OPTION_COUNT,
            description="Factor by which ASHA and HyperBand reduce the number of trials at each"
            " rung.",
        ),
    ] = 3
    brackets: Annotated[
        int,
        SearchOption(EARLY_STOPPING, fixed=True),
        Field(ge=1, le=100, description="Number of ASHA brackets."),
    ] = 1
    perturbation_interval: Annotated[
        int,
        SearchOption(EARLY_STOPPING, fixed=True),
        Field(ge=1, le=MAX_OPTION_COUNT, description="Epochs between two exploit steps of pbt."),
    ] = 1

    dataset: Annotated[
        str,
        Choices(DATASETS, hidden=(ARRAYS,)),
        SearchOption(DATA, fixed=True),
        Field(
            description="Data set: downloaded images of 28x28 pixels, or scikit-learn's 1,797"
            " digits, enlarged from 8x8 to 28x28 pixels, which need no download."
        ),
    ] = "mnist"
    data_dir: Annotated[
        Path | None,
        SearchOption(
            DATA,
            metavar="FOLDER|FILE",
            default="the user's cache, or a download",
            external=True,
        ),
        Field(
            description="Your own data: a folder with four IDX files, a folder with images in"
            " train/<class>/ and test/<class>/, or an .npz file."
        ),
    ] = None
    transpose: Annotated[
        bool,
        SearchOption(DATA, fixed=True),
        Field(description="Transpose the images of your own data, as EMNIST requires."),
    ] = False
    fraction: Annotated[
        Fraction,
        SearchOption(
            DATA,
            default=f"{from_space('fraction')}; more for a small data set",
            fixed=True,
            measured=True,
        ),
        Field(description="Share of the training images, above 0, up to 1."),
    ]
    fraction_given: bool = Field(
        default=True,
        exclude=True,
        description="Whether the user set the fraction. A default fraction is raised for a small"
        " data set.",
    )
    val_fraction: Annotated[
        Fraction | None,
        SearchOption(
            DATA, default="as --fraction, at least 2,000 images", fixed=True, measured=True
        ),
        Field(description="Share of the validation images, above 0, up to 1."),
    ] = None
    image_size: Annotated[
        ImageSize,
        SearchOption(DATA, default=from_space("image_size"), fixed=True, measured=True),
        Field(
            description="Side length to which images are resized, in pixels; ignored by networks"
            " of fixed input size, such as lenet."
        ),
    ]

    final_seeds: Annotated[
        int,
        SearchOption(FINAL),
        Field(
            ge=0,
            le=1000,
            description="Number of final runs of each finalist, each with another seed; 0 for"
            " none.",
        ),
    ] = 3
    finalists: Annotated[
        int,
        SearchOption(FINAL),
        Field(
            ge=1,
            le=100,
            description="Number of finalists of each architecture. Finalists are the"
            " configurations with the highest validation accuracy, which the final runs compare on"
            " the test set.",
        ),
    ] = 1
    final_epochs: Annotated[
        EpochCount | None,
        SearchOption(FINAL, default="as --max-epochs"),
        Field(description="Epochs per final run."),
    ] = None
    final_fraction: Annotated[
        Fraction | None,
        SearchOption(FINAL, default="as --fraction"),
        Field(description="Share of the training and validation images for the final runs."),
    ] = None

    tensorboard: Annotated[
        bool, SearchOption(RESULTS), Field(description="Write learning curves for TensorBoard.")
    ] = False
    mlflow: Annotated[
        str | None,
        SearchOption(RESULTS, metavar="URI", external=True),
        Field(
            description="URI of the MLflow server or store that records the trials; '' for none."
        ),
    ] = None

    @field_validator("objective")
    @classmethod
    def _known_objectives(cls, text: str) -> str:
        names = text.split(",")
        for name in names:
            if name not in OBJECTIVES:
                raise unknown("objective", name, OBJECTIVES)
        if names[0] != METRIC or len(set(names)) < len(names):
            raise UserError(
                f"{as_typed('objective')} must begin with {METRIC} and name each objective once,"
                f" as in {METRIC},parameters, but is {text!r}"
            )
        return text


SEARCH_OPTIONS = {
    name: mark
    for name, field in OptionFields.model_fields.items()
    for mark in field.metadata
    if isinstance(mark, SearchOption)
}
"""Presentation of each option, keyed by option name."""

FIXED = tuple(name for name, option in SEARCH_OPTIONS.items() if option.fixed)
MEASURED = tuple(name for name, option in SEARCH_OPTIONS.items() if option.measured)
EXTERNAL = tuple(name for name, option in SEARCH_OPTIONS.items() if option.external)

FINAL_OPTIONS = frozenset(name for name, option in SEARCH_OPTIONS.items() if option.group == FINAL)
"""Options of the final evaluation."""
