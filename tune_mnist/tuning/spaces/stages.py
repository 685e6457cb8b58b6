"""Fidelity stages, in which trials start on smaller or fewer images."""

from typing import Any

from tune_mnist.data import DataSplit
from tune_mnist.errors import UserError
from tune_mnist.models import get_architecture
from tune_mnist.training import Fidelity, Stage
from tune_mnist.tuning.spaces.space import SearchSpace

STAGE = "stage"
"""Key of the stage number of an epoch, from 1, in the reports of a search with stages."""

FIDELITY = (STAGE, "image_size", "fraction")
"""Keys that the reports of a search with stages contain in addition to the metrics."""


def stages_of(
    space: SearchSpace, max_epochs: int, image_size: int, fraction: float
) -> Fidelity | None:
    """Return the stages of each trial, or None if the space declares no cheaper stage.

    Args:
        space: Search space, whose ``fidelity`` declares the cheaper stages.
        max_epochs: Maximum epochs per trial, over all stages.
        image_size: Side length in pixels of the images in the last stage.
        fraction: Fraction of the training split used in the last stage, greater than 0 and at most
            1.

    Raises:
        UserError: A declared stage has larger or more images than the last stage, or leaves no
            epoch for the last stage.
    """
    if not space.fidelity:
        return None
    own = Stage(max_epochs, image_size, fraction)
    for number, cheaper in enumerate(space.fidelity, start=1):
        place = f"{space.path}: fidelity[{number}]"
        if cheaper.epochs >= max_epochs:
            raise UserError(
                f"{place}.epochs must be less than --max-epochs {max_epochs}, which includes the"
                f" epochs at full fidelity, but is {cheaper.epochs}"
            )
        for key in ("image_size", "fraction"):
            value, most = getattr(cheaper, key), getattr(own, key)
            if value is not None and value > most:
                option = key.replace("_", "-")
                raise UserError(
                    f"{place}.{key} must be at most --{option} {most:g}, but is {value:g}"
                )
    cheaper_stages = (
        Stage(each.epochs, each.image_size or image_size, each.fraction or fraction)
        for each in space.fidelity
    )
    return Fidelity((*cheaper_stages, own))


def check_staged(space: SearchSpace, objective: str, grace_period: int) -> None:
    """Check that the options of a search are compatible with the stages of its space.

    Args:
        space: Search space, with or without stages.
        objective: Objectives of the search, separated by commas.
        grace_period: Minimum epochs per trial, at least 1.

    Raises:
        UserError: An option or an architecture cannot be used with stages.
    """
    if not space.fidelity:
        return
    for model in space.models:
        size = get_architecture(model).fixed_size
        if size and any(stage.image_size for stage in space.fidelity):
            raise UserError(
                f"{space.path}: fidelity: image_size cannot be set, because {model} always uses"
                f" {size}x{size} images; set fraction instead"
            )
    if "," in objective:
        raise UserError(
            f"--objective {objective} cannot be combined with the fidelity of {space.path},"
            " because stages need a single objective"
        )
    if grace_period > 1:
        raise UserError(
            f"--grace-period {grace_period} cannot be combined with the fidelity of {space.path},"
            " because the rungs are at the ends of the stages; remove the option"
        )


def check_images(fidelity: Fidelity | None, data: DataSplit) -> None:
    """Check that every stage has at least as many training images as there are classes.

    Args:
        fidelity: Stages of the search, or None if it has no stages.
        data: Data of the trials at full fidelity.

    Raises:
        UserError: A stage has fewer training images than there are classes.
    """
    if fidelity is None:
        return
    for number, stage in enumerate(fidelity.stages, start=1):
        count = round(fidelity.share(stage) * len(data.train))
        if count < data.num_classes:
            raise UserError(
                f"fidelity[{number}].fraction {stage.fraction:g} leaves {count} training images"
                f" for {data.num_classes} classes; use a larger fraction"
            )


def epoch_costs(fidelity: Fidelity, train_share: float = 1.0) -> list[float]:
    """Return the cost of each epoch of a trial, relative to an epoch of the last stage.

    The cost is assumed to be proportional to the number of images and to the area of an image,
    like the time of a convolution.

    Args:
        fidelity: Stages of the search.
        train_share: Share of an epoch's time that is spent on training, from 0 to 1. The rest is
            spent on validation.
    """
    last = fidelity.stages[-1]
    stages = [fidelity.at(epoch) for epoch in range(1, last.epochs + 1)]
    return [
        (train_share * fidelity.share(stage) + 1 - train_share)
        * (stage.image_size / last.image_size) ** 2
        for stage in stages
    ]


def report_of(fidelity: Fidelity | None, epoch: int, model: str) -> dict[str, Any]:
    """Return stage, image size and fraction of an epoch, to be added to the report of the epoch.

    Args:
        fidelity: Stages of the search, or None if it has no stages.
        epoch: Epoch of the trial, starting at 1.
        model: Name of the architecture, which determines the input size.

    Returns:
        Values of the ``FIDELITY`` keys. Empty if the search has no stages.
    """
    if fidelity is None:
        return {}
    stage = fidelity.at(epoch)
    size = get_architecture(model).input_size(stage.image_size)
    noted = (fidelity.number_at(epoch), size, stage.fraction)
    return dict(zip(FIDELITY, noted, strict=True))


def describe_stages(fidelity: Fidelity, fixed_size: bool) -> str:
    """Describe the stages of a search in one line, for the settings that are printed and stored.

    Args:
        fidelity: Stages of the search.
        fixed_size: Whether all networks have a fixed input size. Image sizes are then omitted.
    """
    parts, first = [], 1
    for stage in fidelity.stages:
        epochs = f"epochs {first} to {stage.epochs}" if stage.epochs > first else f"epoch {first}"
        size = "" if fixed_size else f" at {stage.image_size}x{stage.image_size}"
        parts.append(f"{epochs}{size} on {stage.fraction:.4g} of the training split")
        first = stage.epochs + 1
    return "; ".join(parts) + "; trials are compared at the end of each stage"
