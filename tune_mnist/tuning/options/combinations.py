"""Which searchers, schedulers, objectives and spaces go together."""

from typing import TYPE_CHECKING

from tune_mnist.errors import UserError
from tune_mnist.tuning.schedulers.options import OWN_OPTIONS
from tune_mnist.tuning.schedulers.protocol import SearchScheduler
from tune_mnist.tuning.schedulers.registry import scheduler_class, scheduler_names
from tune_mnist.tuning.searching.protocol import SamplerMaker
from tune_mnist.tuning.searching.registry import searcher_class, searcher_names
from tune_mnist.tuning.spaces.space import SearchSpace
from tune_mnist.tuning.spaces.stages import check_staged
from tune_mnist.tuning.trials.reports import METRIC

if TYPE_CHECKING:
    from tune_mnist.tuning.options.search_options import SearchOptions


def check_combination(options: "SearchOptions", space: SearchSpace) -> None:
    """Check that searcher, scheduler, objectives and space of a search go together.

    Raises:
        UserError: They do not; says why.
    """
    searcher = searcher_class(options.searcher)
    scheduler = scheduler_class(options.scheduling.name)
    searcher.check_space(space)
    _check_stages(options, space, scheduler)
    if options.grace_period > options.max_epochs:
        raise UserError(
            f"--grace-period {options.grace_period}: must be at most the {options.max_epochs}"
            " epochs of --max-epochs"
        )
    _check_objectives(options, searcher, scheduler)
    _check_pair(options, searcher, scheduler)
    scheduler.check(options.scheduling)
    _check_accepted(options, scheduler)
    if searcher.enumerates and options.warm_start is not None:
        raise UserError(
            f"--searcher {options.searcher} with --warm-start {options.warm_start}: a"
            f" {options.searcher} learns from nothing: leave one of them out"
        )


def _check_stages(
    options: "SearchOptions", space: SearchSpace, scheduler: type[SearchScheduler]
) -> None:
    check_staged(space, options.objective, options.grace_period)
    options.fidelity(space)
    if space.fidelity and not scheduler.rungs_at_stages:
        fitting = _schedulers_with("rungs_at_stages")
        raise UserError(
            f"--scheduler {options.scheduling.name} with the space's fidelity: it would compare"
            f" trials of different stages: take one of {fitting}, or a space without fidelity"
        )


def _check_objectives(
    options: "SearchOptions", searcher: type[SamplerMaker], scheduler: type[SearchScheduler]
) -> None:
    if len(options.directions) == 1:
        return
    if scheduler.single_objective:
        raise UserError(
            f"--scheduler {options.scheduling.name} with --objective {options.objective}: trials"
            " are stopped early by one objective only: leave out --scheduler, or optimise"
            f" {METRIC} alone"
        )
    if searcher.single_objective:
        raise UserError(
            f"--searcher {options.searcher} with --objective {options.objective}: this searcher"
            " knows one objective only: take --searcher tpe"
        )


def _check_pair(
    options: "SearchOptions", searcher: type[SamplerMaker], scheduler: type[SearchScheduler]
) -> None:
    name = options.scheduling.name
    if searcher.needs_complete_trials and scheduler.stops_early:
        raise UserError(
            f"--searcher {options.searcher} with --scheduler {name}: this searcher learns only"
            " from trials that are trained to their end: take --scheduler none, or --searcher tpe"
        )
    if searcher.learns and scheduler.exploits:
        others = [other for other in searcher_names() if not searcher_class(other).learns]
        raise UserError(
            f"--searcher {options.searcher} with --scheduler {name}: the hyperparameters of a"
            " trial change while it trains, so that nothing can be learned about those it began"
            f" with: leave out --searcher, or take one of {', '.join(others)}"
        )


def _check_accepted(options: "SearchOptions", scheduler: type[SearchScheduler]) -> None:
    """Check that no option of another scheduler is given."""
    for option in OWN_OPTIONS:
        value = getattr(options, option)
        default = type(options).model_fields[option].default
        if value != default and option not in scheduler.accepts:
            raise UserError(
                f"--{option.replace('_', '-')} {value}: --scheduler {options.scheduling.name}"
                " has none"
            )


def _schedulers_with(fact: str) -> str:
    return ", ".join(name for name in scheduler_names() if getattr(scheduler_class(name), fact))
