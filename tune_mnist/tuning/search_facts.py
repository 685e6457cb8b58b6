"""Facts that describe a search, which are printed at its start and stored in its folder."""

from tune_mnist.data import default_fraction
from tune_mnist.data.split import MIN_TRAIN_IMAGES
from tune_mnist.durations import clock
from tune_mnist.environment import describe_hardware
from tune_mnist.models import get_architecture
from tune_mnist.models.settings import DERIVED
from tune_mnist.training import resolve_compute
from tune_mnist.tuning.cluster.connection import Resources
from tune_mnist.tuning.final.selection import describe_plan
from tune_mnist.tuning.options.option_presentation import FALLBACKS
from tune_mnist.tuning.options.search_options import SearchOptions
from tune_mnist.tuning.planning.resources import Workers
from tune_mnist.tuning.preparation import Preparation
from tune_mnist.tuning.spaces.space import SearchSpace
from tune_mnist.tuning.spaces.stages import describe_stages

_INITIAL_WEIGHTS = {
    DERIVED: "initial weights that suit the activation",
    "torch": "PyTorch's initial weights",
}
_DIRECTIONS = {"max": "maximized", "min": "minimized"}


def describe_search(search: Preparation, workers: Workers, cluster: Resources) -> dict[str, str]:
    """Describe a search by facts, keyed by heading, in the order in which they are printed."""
    space, options = search.space, search.options
    data, everything = search.data, search.everything
    fixed = {model: get_architecture(model).fixed_size for model in space.models}
    stages: dict[str, str] = {}
    if search.fidelity is not None:
        stages["fidelity"] = describe_stages(search.fidelity, fixed_size=all(fixed.values()))
    device = f"{workers.gpus:g} GPU" if workers.gpus else f"{workers.cpus:g} CPU"
    budget = f", at most {clock(options.time_budget)}" if options.time_budget else ""
    if options.budget:
        budget = f", at most {clock(options.budget)} with the final evaluation"
    growing = " (changes as nodes join or leave)" if cluster.head else ""
    return {
        "space": f"{_named(space)} ({', '.join(space.parameter_names)})",
        "data": f"{search.dataset.form.describe()}, {len(data.train):,} of"
        f" {len(everything.train):,} training images{_raised(search)}, {len(data.val):,} of"
        f" {len(everything.val):,} validation images",
        "image size": _image_sizes(options.image_size, fixed),
        "init": f"{_INITIAL_WEIGHTS[options.init]} ({options.init})",
        **stages,
        "trials": f"{'at most ' * bool(options.budget)}{options.num_samples}, up to"
        f" {options.max_epochs} epoch{'s' * (options.max_epochs > 1)} each, searcher"
        f" {options.searcher}, scheduler {options.scheduling.name}, seed {options.seed}{budget}",
        "objective": " and ".join(
            f"{key} ({_DIRECTIONS[way]})" for key, way in options.directions.items()
        ),
        "final runs": describe_plan(options, len(search.joined), len(search.dataset.test_labels)),
        "workers": f"{workers.concurrent} at a time{growing}, {device} each, precision"
        f" {_precision(options, workers)}",
        "hardware": f"{cluster.nodes} node{'s' * (cluster.nodes > 1)}; {describe_hardware()}",
        **search.queue_facts,
    }


def _named(space: SearchSpace) -> str:
    return f"{space.name}: {space.description}" if space.description else space.name


def _raised(search: Preparation) -> str:
    """Explain that more than the default fraction of small data is used, or return ``""``."""
    default = search.space.defaults.fraction or FALLBACKS["fraction"]
    enough = default_fraction(default, len(search.dataset.train_labels))
    if enough == default or search.options.fraction != enough:
        return ""
    used = "all of them" if enough == 1 else f"at least {MIN_TRAIN_IMAGES:,}"
    return f" ({used}, as {default:.2g} of this data set would be fewer than {MIN_TRAIN_IMAGES:,})"


def scaling_remark(search: Preparation) -> dict[str, str]:
    """Return a remark on images that are larger than those of the data, or an empty dict.

    Larger images take more time, but have no more detail. The remark is printed, but not stored,
    as the size is the same setting without it.
    """
    size, side = search.options.image_size, search.dataset.form.side
    resized = any(get_architecture(model).fixed_size is None for model in search.space.models)
    if not resized or size <= side:
        return {}
    return {"scaling": f"images of {side}x{side} are scaled up to {size}x{size}"}


def _image_sizes(size: int, fixed: dict[str, int | None]) -> str:
    sizes = [f"{size}x{size}"] if None in fixed.values() else []
    sizes += [f"{own}x{own} ({model})" for model, own in fixed.items() if own is not None]
    return ", ".join(sizes)


def _precision(options: SearchOptions, workers: Workers) -> str:
    """Return the number format, with ``auto`` resolved if trials run on this machine."""
    if options.precision != "auto" or options.address is not None:
        return options.precision
    compute = resolve_compute("cuda" if workers.gpus else "cpu")
    return f"{compute.precision} (auto)"
