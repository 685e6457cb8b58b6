"""The Optuna study inside Ray's ``OptunaSearch``."""

import optuna
from optuna.trial import FrozenTrial
from ray.tune.search.optuna import OptunaSearch


class OpenOptunaSearch(OptunaSearch):
    """Ray's OptunaSearch with access to its study and trials.

    Ray's reports a trial that a scheduler stopped as COMPLETE, with the accuracy of the epoch at
    which it stopped (ray-project/ray#15283), so TPE compares accuracies of different epochs. A
    searcher that reports PRUNED needs the study, which Ray keeps in private attributes. Not
    reported upstream.
    """

    @property
    def study(self) -> optuna.Study:
        """The study."""
        study: optuna.Study = self._ot_study
        return study

    def trial(self, trial_id: str) -> optuna.Trial:
        """Return the study's trial of one of Ray's.

        Args:
            trial_id: Ray's name of a trial that ``suggest`` has handed out.
        """
        trial: optuna.Trial = self._ot_trials[trial_id]
        return trial

    def suggest_again(self, trial_id: str, earlier: FrozenTrial) -> None:
        """Let the next ``suggest`` hand out a trial of the study, instead of a new one.

        Args:
            trial_id: Ray's name for it.
            earlier: Trial that an interrupted search left unfinished.
        """
        self._ot_trials[trial_id] = optuna.Trial(self._ot_study, earlier._trial_id)
