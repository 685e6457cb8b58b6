"""Searcher, scheduler and recorder of a search, restored from its study."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tune_mnist.tuning.planning.search_context import SearchContext
from tune_mnist.tuning.recording.callbacks import TRIALS_FILE, Recorder
from tune_mnist.tuning.recording.study import CHANCE_LEVEL, GUESSING_LEVEL, open_storage
from tune_mnist.tuning.recording.trial_attributes import PORTFOLIO
from tune_mnist.tuning.recording.trial_record import TrialRecord, TrialState
from tune_mnist.tuning.recording.trial_store import TrialStore, own_trials
from tune_mnist.tuning.schedulers.protocol import SearchScheduler
from tune_mnist.tuning.schedulers.restore import scheduler_for
from tune_mnist.tuning.searching.registry import searcher_class
from tune_mnist.tuning.searching.samplers import create_sampler
from tune_mnist.tuning.searching.searcher import StudySearch
from tune_mnist.tuning.searching.warm_start import is_prepared, prepare_study


@dataclass(frozen=True)
class SearchComponents:
    """Searcher, scheduler and recorder of a search, which share its study.

    Attributes:
        searcher: Searcher, which suggests configurations and records trials in the study.
        scheduler: Scheduler, which pauses, promotes and stops trials.
        recorder: Recorder, which writes the table of trials.
        num_samples: Number of trials that the user requested.
    """

    searcher: StudySearch
    scheduler: SearchScheduler
    recorder: Recorder
    num_samples: int

    def count_ended(self) -> int:
        """Return the number of trials that have ended and will not be continued."""
        return sum(map(_has_ended, self.searcher.trial_store.records))

    def trained_epochs(self) -> list[int]:
        """Return the number of trained epochs of each trial that has started and not ended."""
        records = self.searcher.trial_store.records
        return [record.epochs for record in records if not _has_ended(record)]

    def trials_left(self) -> int:
        """Return the number of trials that remain to be run.

        This is the requested number of trials minus the number of ended trials, limited to the
        number of untried configurations in the space.
        """
        asked = self.num_samples - self.count_ended()
        remaining = self._remaining()
        return asked if remaining is None else min(asked, remaining)

    def count_portfolio(self, *, left: bool = False) -> int:
        """Return the number of trials of the portfolio, which train all epochs.

        They are counted from the study, because a resumed search does not read the portfolio.

        Args:
            left: Whether to count only the trials that have not ended.
        """
        ended = {each.number for each in self.searcher.trial_store.records if each.state.ended}
        return sum(
            bool(trial.user_attrs.get(PORTFOLIO)) and not (left and trial.number in ended)
            for trial in own_trials(self.searcher.study)
        )

    def is_exhausted(self) -> bool:
        """Return whether all configurations were tried before the requested number was reached."""
        return self.count_ended() < self.num_samples and self._remaining() == 0

    def _remaining(self) -> int | None:
        # A population may repeat configurations, since its trials differ by their exploits.
        return None if self.scheduler.fixed_population else self.searcher.count_remaining()


def _has_ended(record: TrialRecord) -> bool:
    """Return whether a trial has ended and will not be continued."""
    return record.state.ended and record.state is not TrialState.INTERRUPTED


def build_components(
    context: SearchContext, make_recorder: Callable[[Path, TrialStore], Recorder] = Recorder
) -> SearchComponents:
    """Open or create the study in the results folder, and build the components on it.

    The state of searcher, scheduler and recorder is restored from the study.

    Args:
        context: Context of the search.
        make_recorder: Function that builds the recorder from the path of the table and the trial
            store.
    """
    space, options = context.space, context.options
    searcher = StudySearch(
        space,
        open_storage(context.directory),
        create_sampler(
            options.searcher, space, options.num_samples, options.seed, context.chance_level
        ),
        options.directions,
        options.max_epochs,
        context.workers.concurrent,
    )
    if not is_prepared(searcher.study):
        enumerates = searcher_class(options.searcher).enumerates
        queued = 0 if enumerates else options.num_samples
        prepare_study(searcher.study, space, queued, context.warm_start, context.portfolio)
    searcher.study.set_user_attr(CHANCE_LEVEL, context.chance_level)
    if context.guessing_level is not None:
        searcher.study.set_user_attr(GUESSING_LEVEL, context.guessing_level)
    scheduling = options.scheduling_for(space)
    scheduler = scheduler_for(
        searcher, space, scheduling, context.settings, context.workers.concurrent
    )
    recorder = make_recorder(context.directory / TRIALS_FILE, searcher.trial_store)
    return SearchComponents(searcher, scheduler, recorder, options.num_samples)
