"""Compatibility of searcher, scheduler, objectives and search space."""

from typing import TYPE_CHECKING

from tune_mnist.errors import UserError
from tune_mnist.tuning.schedulers.options import OWN_OPTIONS
from tune_mnist.tuning.schedulers.protocol import SearchScheduler
from tune_mnist.tuning.schedulers.registry import scheduler_class, schedulers_with
from tune_mnist.tuning.searching.protocol import SamplerMaker
from tune_mnist.tuning.searching.registry import searcher_class, searcher_names
from tune_mnist.tuning.spaces.space import SearchSpace
from tune_mnist.tuning.spaces.stages import check_staged
from tune_mnist.tuning.trials.reports import METRIC

if TYPE_CHECKING:
    from tune_mnist.tuning.options.search_options import SearchOptions


def check_combination(options: "SearchOptions", space: SearchSpace) -> None:
    """Check that searcher, scheduler, objectives and space of a search can be combined.

    Raises:
        UserError: Two options are incompatible, or an option is incompatible with the space. The
            message names both options and a remedy.
    """
    searcher = searcher_class(options.searcher)
    scheduler = scheduler_class(options.scheduling.name)
    searcher.check_space(space)
    _check_stages(options, space, scheduler)
    if options.grace_period > options.max_epochs:
        raise UserError(
            f"--grace-period must be at most --max-epochs {options.max_epochs}, but is"
            f" {options.grace_period}"
        )
    if options.budget is not None and options.time_budget is not None:
        raise UserError(
            f"--time-budget {options.time_budget:g}s cannot be combined with --budget"
            f" {options.budget:g}s, which includes the final evaluation; remove one of the two"
            " options"
        )
    _check_objectives(options, searcher, scheduler)
    _check_pair(options, searcher, scheduler)
    scheduler.check(options.scheduling)
    _check_accepted(options, scheduler)
    if searcher.enumerates and options.warm_start is not None:
        raise UserError(
            f"--warm-start {options.warm_start} cannot be combined with --searcher"
            f" {options.searcher}, which does not learn from trials; remove one of the two options"
        )


def _check_stages(
    options: "SearchOptions", space: SearchSpace, scheduler: type[SearchScheduler]
) -> None:
    check_staged(space, options.objective, options.grace_period)
    options.fidelity(space)
    if space.fidelity and not scheduler.rungs_at_stages:
        raise UserError(
            f"--scheduler {options.scheduling.name} cannot be combined with the fidelity of"
            f" {space.path}, because it would compare trials of different stages; use one of"
            f" {schedulers_with('rungs_at_stages')}, or a space without fidelity"
        )


def _check_objectives(
    options: "SearchOptions", searcher: type[SamplerMaker], scheduler: type[SearchScheduler]
) -> None:
    if len(options.directions) == 1:
        return
    if scheduler.single_objective:
        raise UserError(
            f"--scheduler {options.scheduling.name} cannot be combined with --objective"
            f" {options.objective}, because early stopping needs a single objective; remove"
            f" --scheduler, or use --objective {METRIC}"
        )
    if searcher.single_objective:
        raise UserError(
            f"--searcher {options.searcher} cannot be combined with --objective"
            f" {options.objective}, because it supports only one objective; use --searcher tpe"
        )


def _check_pair(
    options: "SearchOptions", searcher: type[SamplerMaker], scheduler: type[SearchScheduler]
) -> None:
    name = options.scheduling.name
    if searcher.needs_complete_trials and scheduler.stops_early:
        raise UserError(
            f"--searcher {options.searcher} cannot be combined with --scheduler {name}, because"
            " this searcher cannot learn from trials that are stopped early; use --scheduler none,"
            " or --searcher tpe"
        )
    if searcher.learns and scheduler.exploits:
        others = [other for other in searcher_names() if not searcher_class(other).learns]
        raise UserError(
            f"--searcher {options.searcher} cannot be combined with --scheduler {name}, because"
            " this scheduler changes the hyperparameters of running trials, so that the searcher"
            " would learn from the wrong configurations; remove --searcher, or use one of"
            f" {', '.join(others)}"
        )


def _check_accepted(options: "SearchOptions", scheduler: type[SearchScheduler]) -> None:
    """Check that the scheduler accepts all given options that only some schedulers accept."""
    for option in OWN_OPTIONS:
        value = getattr(options, option)
        default = type(options).model_fields[option].default
        if value != default and option not in scheduler.accepts:
            raise UserError(
                f"--{option.replace('_', '-')} {value} is not accepted by --scheduler"
                f" {options.scheduling.name}; remove the option"
            )
