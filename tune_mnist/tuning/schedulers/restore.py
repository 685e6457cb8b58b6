"""Creation of a search's scheduler, whose state is restored from the study."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from functools import partial

from optuna import Study

from tune_mnist.tuning.recording.trial_attributes import PORTFOLIO
from tune_mnist.tuning.recording.trial_store import TrialStore, begun_trials, own_trials
from tune_mnist.tuning.schedulers.options import SchedulerOptions
from tune_mnist.tuning.schedulers.protocol import (
    EarlierTrial,
    Exploit,
    SearchLink,
    SearchScheduler,
)
from tune_mnist.tuning.schedulers.registry import scheduler_class
from tune_mnist.tuning.searching.per_trial_sampler import FIXED_PARAMETERS
from tune_mnist.tuning.searching.searcher import StudySearch
from tune_mnist.tuning.spaces.architectures import MODEL
from tune_mnist.tuning.spaces.space import SearchSpace
from tune_mnist.tuning.trials.trainable import TrialSettings, trial_name

CLOSED_ROUND = "closed_round"
"""Study attribute that contains the epoch of the last finished comparison of a population."""


def scheduler_for(
    searcher: StudySearch,
    space: SearchSpace,
    options: SchedulerOptions,
    settings: TrialSettings,
    concurrent: int,
) -> SearchScheduler:
    """Create the scheduler, restore its state from the study, and connect it to the searcher.

    Args:
        searcher: Searcher that holds the study.
        space: Search space.
        options: Options of the scheduler.
        settings: Settings shared by all trials.
        concurrent: Maximum number of concurrent trials.
    """
    study = searcher.study
    restored = replace(
        options,
        imported=len(study.trials) - len(own_trials(study)),
        max_concurrent=concurrent,
        queued=most_queued(study),
    )
    scheduler = scheduler_class(options.name)(restored)
    scheduler.connect(
        SearchLink(
            space=space,
            trials=earlier_trials(study, searcher.trial_store),
            all_begun=searcher.all_begun,
            closed_round=study.user_attrs.get(CLOSED_ROUND, 0),
            close_round=partial(study.set_user_attr, CLOSED_ROUND),
            exploit=_exploit(searcher.trial_store, settings),
            exempt=frozenset(
                trial.number for trial in study.trials if trial.user_attrs.get(PORTFOLIO)
            ),
        )
    )
    searcher.may_begin = scheduler.wants_new_trial
    searcher.all_at_once = scheduler.pauses_pending
    return scheduler


def earlier_trials(study: Study, trial_store: TrialStore) -> tuple[EarlierTrial, ...]:
    """Return the trials that were started by earlier runs of the search, ordered by number.

    Args:
        study: Study of the search.
        trial_store: Trial store of the search, from which the validation losses are taken.
    """
    trials = []
    for trial in begun_trials(study):
        record = trial_store.record(trial.number)
        trials.append(
            EarlierTrial(
                trial.number,
                trial.intermediate_values,
                trial.state.is_finished(),
                {int(epoch): loss for epoch, loss in record.val_losses.items()},
                record.config.get("model", ""),
            )
        )
    return tuple(trials)


def most_queued(study: Study) -> int:
    """Return the number of queued configurations of the architecture with the most of them."""
    fixed = [trial.system_attrs.get(FIXED_PARAMETERS, {}) for trial in own_trials(study)]
    counts = Counter(parameters[MODEL] for parameters in fixed if MODEL in parameters)
    return max(counts.values(), default=0)


def _exploit(trial_store: TrialStore, settings: TrialSettings) -> Callable[[Exploit], None]:
    def exploit(wanted: Exploit) -> None:
        target, source = trial_name(wanted.target), trial_name(wanted.source)
        settings.store.adopt(target, source, wanted.epoch)
        trial_store.exploit(wanted.target, wanted.epoch, wanted.source, wanted.params)

    return exploit
