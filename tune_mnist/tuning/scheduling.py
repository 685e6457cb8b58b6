"""The scheduler of a search, brought to where the study of the search is."""

from collections import Counter
from dataclasses import replace
from functools import partial

from optuna import Study
from optuna.trial import FrozenTrial
from ray.tune.schedulers import TrialScheduler

from tune_mnist.tuning.options import SearchOptions
from tune_mnist.tuning.recording.ledger import begun_trials, own_trials
from tune_mnist.tuning.schedulers.population import PopulationBasedTraining, Takeover
from tune_mnist.tuning.schedulers.promotion import PromotionAsha
from tune_mnist.tuning.schedulers.scheduler import StoppingScheduler, create_scheduler
from tune_mnist.tuning.searching.per_trial_sampler import FIXED, MODEL
from tune_mnist.tuning.searching.searcher import StudySearch
from tune_mnist.tuning.spaces.space import SearchSpace
from tune_mnist.tuning.trials.trainable import TrialSettings, trial_name

CLOSED_ROUND = "closed_round"
"""User attribute of a study: the epoch of the last comparison of a population."""


def scheduler_for(
    searcher: StudySearch,
    space: SearchSpace,
    options: SearchOptions,
    settings: TrialSettings,
    concurrent: int,
) -> TrialScheduler:
    """Build the scheduler, let it know the trials begun so far, and join it with the searcher.

    Args:
        searcher: with the study.
        space: what is searched.
        options: of the search.
        settings: what all trials have in common.
        concurrent: how many trials run at a time.
    """
    study = searcher.study
    begun = begun_trials(study)
    if options.scheduling.name == "pbt":
        return _population(searcher, space, options, settings, concurrent, begun)
    imported = len(study.trials) - len(own_trials(study))
    scheduler = create_scheduler(
        replace(
            options.scheduling_for(space),
            num_samples=imported + options.num_samples,
            max_concurrent=concurrent,
            queued=most_queued(study),
        )
    )
    if isinstance(scheduler, StoppingScheduler):
        scheduler.replay({trial.number: trial.intermediate_values for trial in begun})
    elif isinstance(scheduler, PromotionAsha):
        for trial in begun:
            record = searcher.ledger.record(trial.number)
            scheduler.replay(
                trial.number,
                trial.intermediate_values,
                trial.state.is_finished(),
                {int(epoch): loss for epoch, loss in record.train_losses.items()},
                record.config.get("model", ""),
            )
        scheduler.all_begun = searcher.all_begun
        searcher.may_begin = scheduler.wants_new_trial
        searcher.all_at_once = True
    else:
        # HyperBand compares trials that pause: those take no worker, and must not be waited for.
        searcher.may_begin = lambda: searcher.ledger.count_active() < searcher.max_concurrent
    return scheduler


def most_queued(study: Study) -> int:
    """Return how many trials of one architecture the queue asks for at most."""
    fixed = [trial.system_attrs.get(FIXED, {}) for trial in own_trials(study)]
    counts = Counter(parameters[MODEL] for parameters in fixed if MODEL in parameters)
    return max(counts.values(), default=0)


def set_concurrency(searcher: StudySearch, scheduler: TrialScheduler, concurrent: int) -> None:
    """Let more or fewer trials run at a time from here on; none that runs is stopped for it."""
    searcher.max_concurrent = concurrent
    if isinstance(scheduler, PromotionAsha | PopulationBasedTraining):
        scheduler.max_concurrent = concurrent


def _population(
    searcher: StudySearch,
    space: SearchSpace,
    options: SearchOptions,
    settings: TrialSettings,
    concurrent: int,
    begun: list[FrozenTrial],
) -> PopulationBasedTraining:
    def take_over(takeover: Takeover) -> None:
        heir, donor = map(trial_name, (takeover.heir, takeover.donor))
        settings.store.adopt(heir, donor, takeover.epoch)
        searcher.ledger.take_over(takeover.heir, takeover.epoch, takeover.donor, takeover.params)

    scheduler = PopulationBasedTraining(
        space,
        options.max_epochs,
        options.num_samples,
        concurrent,
        options.perturbation_interval,
        options.seed,
        take_over,
        partial(searcher.study.set_user_attr, CLOSED_ROUND),
    )
    scheduler.replay(
        {trial.number: trial.intermediate_values for trial in begun},
        {trial.number for trial in begun if trial.state.is_finished()},
        searcher.study.user_attrs.get(CLOSED_ROUND, 0),
    )
    searcher.may_begin = scheduler.wants_new_trial
    return scheduler
