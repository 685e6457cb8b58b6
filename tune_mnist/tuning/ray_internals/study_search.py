"""The Optuna study inside Ray's ``OptunaSearch``."""

import optuna
from optuna.trial import FrozenTrial
from ray.tune.search.optuna import OptunaSearch


class OpenOptunaSearch(OptunaSearch):
    """Ray's ``OptunaSearch`` with public access to its study and trials.

    Ray reports a trial that was stopped by a scheduler as COMPLETE, with the accuracy of its last
    epoch (ray-project/ray#15283). TPE then compares accuracies measured at different epochs. A
    searcher that reports PRUNED instead needs the study, which Ray keeps in private attributes. No
    upstream issue has been filed for these.
    """

    @property
    def study(self) -> optuna.Study:
        """Optuna study of the search."""
        study: optuna.Study = self._ot_study
        return study

    def trial(self, trial_id: str) -> optuna.Trial:
        """Return the Optuna trial that belongs to a Ray trial.

        Args:
            trial_id: ID of a Ray trial that was passed to ``suggest`` before.
        """
        trial: optuna.Trial = self._ot_trials[trial_id]
        return trial

    def suggest_again(self, trial_id: str, earlier: FrozenTrial) -> None:
        """Make the next call of ``suggest`` return an existing trial of the study.

        Args:
            trial_id: ID of the Ray trial that is passed to ``suggest`` next.
            earlier: Optuna trial that an interrupted search has left unfinished.
        """
        self._ot_trials[trial_id] = optuna.Trial(self._ot_study, earlier._trial_id)
