"""Selection of the trials that a sampler sees, so that long searches do not slow it down.

TPE models all trials that it sees, so a draw takes longer with each trial. A selection is enough,
since TPE treats at most 25 trials as good, and among the others gives the largest weight to the
most recent trials.
"""

import bisect
import heapq
import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

import optuna
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

from tune_mnist.tuning.spaces.architectures import MODEL
from tune_mnist.tuning.trials.reports import DIVERGED

BEST, LATEST = 50, 200
"""Numbers of trials that a sampler sees: the best ones, and those that began last."""

Rank = tuple[int, float, float]


@dataclass
class _Selection:
    """Selected trials of one architecture.

    Attributes:
        best: Rank and number of the best ended trials, best first. Used with a single objective.
        front: Values of the trials that no other trial dominates, keyed by trial number. Used
            with several objectives.
        latest: Numbers of the latest ended trials, ascending.
    """

    best: list[tuple[Rank, int]] = field(default_factory=list)
    front: dict[int, list[float]] = field(default_factory=dict)
    latest: list[int] = field(default_factory=list)


class BoundedHistory:
    """Selects the trials that a sampler sees: the best, the latest, and those without a result.

    A paused or running trial that has a result is selected like an ended trial, because a long
    search with promotion ASHA has thousands of paused trials. The selection depends only on the
    study, not on the order in which trials have ended, so a resumed search selects the same
    trials.

    Args:
        directions: Directions of the objectives.
        best: Number of best trials to select.
        latest: Number of latest trials to select.
    """

    def __init__(
        self, directions: Sequence[StudyDirection], best: int = BEST, latest: int = LATEST
    ) -> None:
        self._signs = [1 if each is StudyDirection.MINIMIZE else -1 for each in directions]
        self._max_best, self._max_latest = best, latest
        self._selections: dict[str | None, _Selection] = defaultdict(_Selection)
        self._unfinished: set[int] = set()
        self._seen = 0

    def select(self, study: optuna.Study, model: str | None) -> list[FrozenTrial]:
        """Return the selected trials, ordered by trial number.

        Args:
            study: Study of the search. It must be the same at each call, since trials that ended
                before the last call are not read again.
            model: Architecture whose trials are selected. If None, all trials are considered.
        """
        trials = study.get_trials(deepcopy=False)
        self._unfinished |= {trial.number for trial in trials[self._seen :]}
        self._seen = len(trials)
        for number in sorted(self._unfinished):
            if trials[number].state.is_finished():
                self._unfinished.remove(number)
                self._add(
                    trials[number], None if model is None else trials[number].params.get(MODEL)
                )
        selection = self._selections[model]
        unfinished = [
            trials[number]
            for number in self._unfinished
            if model is None or trials[number].params.get(MODEL) == model
        ]
        numbers = {trial.number for trial in unfinished if not trial.intermediate_values}
        numbers |= set(sorted(selection.front)[-self._max_best :])
        evaluated = [trial for trial in unfinished if trial.intermediate_values]
        best = [*selection.best, *((self._rank(trial), trial.number) for trial in evaluated)]
        numbers |= {number for _, number in heapq.nsmallest(self._max_best, best)}
        latest = [*selection.latest, *(trial.number for trial in evaluated)]
        numbers |= set(heapq.nlargest(self._max_latest, latest))
        return [trials[number] for number in sorted(numbers)]

    def _add(self, trial: FrozenTrial, model: str | None) -> None:
        diverged = trial.user_attrs.get(DIVERGED)
        if trial.state is TrialState.FAIL and not diverged:
            return
        selection = self._selections[model]
        bisect.insort(selection.latest, trial.number)
        del selection.latest[: -self._max_latest]
        if diverged:
            return
        if len(self._signs) == 1:
            bisect.insort(selection.best, (self._rank(trial), trial.number))
            del selection.best[self._max_best :]
        elif trial.values is not None:
            losses = [sign * value for sign, value in zip(self._signs, trial.values, strict=True)]
            if not any(_dominates(other, losses) for other in selection.front.values()):
                selection.front = {
                    number: other
                    for number, other in selection.front.items()
                    if not _dominates(losses, other)
                }
                selection.front[trial.number] = losses

    def _rank(self, trial: FrozenTrial) -> Rank:
        """Return a sort key, the best trial first, in TPE's own order."""
        if trial.state is TrialState.COMPLETE and trial.value is not None:
            return 0, self._signs[0] * trial.value, 0.0
        if not trial.intermediate_values:
            return 2, 0.0, 0.0
        epoch, value = max(trial.intermediate_values.items())
        return 1, -epoch, math.inf if math.isnan(value) else self._signs[0] * value


def _dominates(one: Sequence[float], other: Sequence[float]) -> bool:
    return all(a <= b for a, b in zip(one, other, strict=True)) and list(one) != list(other)
