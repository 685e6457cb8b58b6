"""The stages of a search whose trials begin on smaller images, or on fewer of them."""

from typing import Any

from tune_mnist.data import DataSplit
from tune_mnist.errors import UserError
from tune_mnist.models import get_architecture
from tune_mnist.training import Fidelity, Stage
from tune_mnist.tuning.spaces.space import SearchSpace

STAGE = "stage"
"""Key of a report: which stage the epoch belongs to, from 1; not there in a search without."""

FIDELITY = (STAGE, "image_size", "fraction")
"""What a search with stages notes of each epoch beside its metrics."""


def stages_of(
    space: SearchSpace, max_epochs: int, image_size: int, fraction: float
) -> Fidelity | None:
    """Return the stages of each trial, the search's own fidelity last; None: there is but one.

    Args:
        space: names the cheaper stages.
        max_epochs: epochs of a trial that is never stopped.
        image_size: of the last stage.
        fraction: of the last stage.

    Raises:
        UserError: a cheaper stage that is none, or that leaves no epoch for the last one.
    """
    if not space.fidelity:
        return None
    own = Stage(max_epochs, image_size, fraction)
    for number, cheaper in enumerate(space.fidelity, start=1):
        place = f"{space.path}: fidelity[{number}]"
        if cheaper.epochs >= max_epochs:
            raise UserError(
                f"{place}.epochs = {cheaper.epochs}: must be less than the {max_epochs} epochs of"
                " --max-epochs, or none is left at the search's own fidelity"
            )
        for key in ("image_size", "fraction"):
            value, most = getattr(cheaper, key), getattr(own, key)
            if value is not None and value > most:
                option = key.replace("_", "-")
                raise UserError(
                    f"{place}.{key} = {value:g}: must be at most the {most:g} of --{option}"
                )
    cheaper_stages = (
        Stage(each.epochs, each.image_size or image_size, each.fraction or fraction)
        for each in space.fidelity
    )
    return Fidelity((*cheaper_stages, own))


def check_staged(space: SearchSpace, objective: str, grace_period: int) -> None:
    """See that the options of a search go together with the stages of its space, if it has any.

    Raises:
        UserError: they do not; says why.
    """
    if not space.fidelity:
        return
    where = f"{space.path}: fidelity"
    for model in space.models:
        size = get_architecture(model).fixed_size
        if size and any(stage.image_size for stage in space.fidelity):
            raise UserError(
                f"{where}: image_size: {model} always takes {size}x{size}: give its stages a"
                " fraction instead"
            )
    if "," in objective:
        raise UserError(
            f"--objective {objective} with the space's fidelity: trials are stopped early by one"
            " objective only: take a space without fidelity"
        )
    if grace_period > 1:
        raise UserError(
            f"--grace-period {grace_period} with the space's fidelity: the rungs lie at the ends"
            " of its stages: leave the option out"
        )


def check_images(fidelity: Fidelity | None, data: DataSplit) -> None:
    """See that every stage has images enough to train on.

    Raises:
        UserError: a stage has fewer than there are classes.
    """
    for number, stage in enumerate(fidelity.stages if fidelity else (), start=1):
        count = round(fidelity.share(stage) * len(data.train)) if fidelity else 0
        if count < data.num_classes:
            raise UserError(
                f"fidelity[{number}].fraction = {stage.fraction:g}: leaves {count} training images"
                f" for {data.num_classes} classes: take a larger share"
            )


def stage_rungs(fidelity: Fidelity) -> tuple[int, ...]:
    """Return the epochs after which trials are compared: those that end a cheaper stage."""
    return tuple(stage.epochs for stage in fidelity.stages[:-1])


def epoch_costs(fidelity: Fidelity, train_share: float = 1.0) -> list[float]:
    """Return what each epoch costs, as a share of one of the last stage.

    The time of a convolution grows with the area of its input.

    Args:
        fidelity: the stages.
        train_share: share of training, not validation, in an epoch of the last stage.
    """
    last = fidelity.stages[-1]
    stages = [fidelity.at(epoch) for epoch in range(1, last.epochs + 1)]
    return [
        (train_share * fidelity.share(stage) + 1 - train_share)
        * (stage.image_size / last.image_size) ** 2
        for stage in stages
    ]


def report_of(fidelity: Fidelity | None, epoch: int, model: str) -> dict[str, Any]:
    """Return what is to be noted of an epoch's stage: FIDELITY, or nothing without stages.

    Args:
        fidelity: the stages.
        epoch: from 1.
        model: the architecture; what is noted is the size of image that it takes.
    """
    if fidelity is None:
        return {}
    stage = fidelity.at(epoch)
    size = get_architecture(model).input_size(stage.image_size)
    noted = (fidelity.number_at(epoch), size, stage.fraction)
    return dict(zip(FIDELITY, noted, strict=True))


def describe_stages(fidelity: Fidelity, fixed_size: bool) -> str:
    """Say in one line what the stages are.

    Args:
        fidelity: the stages.
        fixed_size: whether the networks take one size of images only.
    """
    parts, first = [], 1
    for stage in fidelity.stages:
        epochs = f"epochs {first} to {stage.epochs}" if stage.epochs > first else f"epoch {first}"
        size = "" if fixed_size else f" at {stage.image_size}x{stage.image_size}"
        parts.append(f"{epochs}{size} on {stage.fraction:.4g} of the training part")
        first = stage.epochs + 1
    return "; ".join(parts) + "; compared where a stage ends"
