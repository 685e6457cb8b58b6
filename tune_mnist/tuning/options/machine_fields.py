"""Declaration of the options of a search that say where its trials run."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, field_validator

from tune_mnist.declarations import Choices
from tune_mnist.errors import UserError
from tune_mnist.machine import allowed_cpus
from tune_mnist.training.settings import DEVICES, PRECISIONS
from tune_mnist.tuning.options.option_presentation import MACHINES, SearchOption
from tune_mnist.typed_options import as_typed

# Each trial is a process that loads PyTorch, so more than ten per core would only use memory.
MIN_CPUS = 0.1
MIN_GPUS = 0.01
MAX_OPTION_COUNT = 100_000
"""Largest value of an option that counts cores, epochs or trials."""


class MachineFields(BaseModel):
    """Options that say where the trials of a search run. They need neither a space nor data."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    cpus_per_trial: Annotated[
        float,
        SearchOption(MACHINES),
        Field(
            ge=MIN_CPUS,
            le=MAX_OPTION_COUNT,
            allow_inf_nan=False,
            description="CPU cores per trial; may be a fraction.",
        ),
    ] = 1
    gpus_per_trial: Annotated[
        float | None,
        SearchOption(MACHINES, default="1 if there is a GPU"),
        Field(
            ge=0,
            le=MAX_OPTION_COUNT,
            allow_inf_nan=False,
            description="GPUs per trial; may be a fraction of one GPU.",
        ),
    ] = None
    max_concurrent: Annotated[
        int | None,
        SearchOption(MACHINES, default="as many as fit"),
        Field(ge=1, le=MAX_OPTION_COUNT, description="Maximum number of concurrent trials."),
    ] = None
    max_failures: Annotated[
        int,
        SearchOption(MACHINES),
        Field(
            ge=0,
            le=MAX_OPTION_COUNT,
            description="Maximum retries of a trial after its worker died.",
        ),
    ] = 2
    device: Annotated[
        str, Choices(DEVICES), SearchOption(MACHINES), Field(description="Device to train on.")
    ] = "auto"
    precision: Annotated[
        str,
        Choices(PRECISIONS),
        SearchOption(MACHINES, fixed=True),
        Field(description="Number format of the computation."),
    ] = "auto"
    address: Annotated[
        str | None,
        SearchOption(MACHINES, default="this machine", external=True),
        Field(description="Address of a Ray cluster, or auto."),
    ] = None
    dashboard: Annotated[
        bool,
        SearchOption(MACHINES),
        Field(
            description="Start Ray's dashboard on this machine; without it, a search starts sooner"
            " and needs less memory."
        ),
    ] = True
    storage_path: Annotated[
        str | None,
        SearchOption(MACHINES, metavar="FOLDER|URI", default="the results folder", external=True),
        Field(
            description="Location of the checkpoints: a folder that all nodes share, s3://... or"
            " gs://...."
        ),
    ] = None

    @field_validator("gpus_per_trial")
    @classmethod
    def _whole_gpus(cls, gpus: float | None) -> float | None:
        name = as_typed("gpus_per_trial")
        if gpus is not None and 0 < gpus < MIN_GPUS:
            raise UserError(f"{name} must be 0 or at least {MIN_GPUS}, but is {gpus:g}")
        if gpus is not None and gpus > 1 and not gpus.is_integer():
            raise UserError(
                f"{name} must be a whole number or a fraction of one GPU, but is {gpus:g}"
            )
        return gpus

    def fills_machine(self, *, gpu: bool) -> bool:
        """Return whether the concurrent trials will use at least half of this machine's CPU cores.

        The result is False if trials use a GPU.

        Args:
            gpu: Whether this machine has a GPU that PyTorch can use.
        """
        if self.gpus_per_trial or self.device == "cuda" or (self.device == "auto" and gpu):
            return False
        cores = allowed_cpus()
        fitting = cores / self.cpus_per_trial
        return 2 * min(fitting, self.max_concurrent or fitting) >= cores
