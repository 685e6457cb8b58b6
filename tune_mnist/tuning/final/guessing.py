"""Trials that get no final runs by default, because they are no better than guessing."""

from collections.abc import Collection, Sequence

from tune_mnist.tuning.final.runs import FinalRun
from tune_mnist.tuning.final.selection import PlannedRun
from tune_mnist.tuning.options.option_fields import FINAL_OPTIONS
from tune_mnist.tuning.recording.trial_record import TrialRecord


def skipping_level(guessing_level: float | None, given: Collection[str]) -> float | None:
    """Return the accuracy up to which a command makes no final runs, or None if it makes all.

    Only the options of the present command count, because ``experiment.json`` stores values and
    not whether the user has given them or a plan for a time budget has chosen them.

    Args:
        guessing_level: Highest validation accuracy that can be explained by guessing.
        given: Names of the options that the user has given to the command.
    """
    return None if FINAL_OPTIONS.intersection(given) else guessing_level


def guesses(record: TrialRecord, level: float | None) -> bool:
    """Return whether a trial is no better than guessing.

    Args:
        record: Record of the trial.
        level: Highest validation accuracy that can be explained by guessing, or None if no trial
            counts as guessing.
    """
    return level is not None and not record.val_accuracy > level


def no_better_than_guessing(
    chosen: Sequence[PlannedRun],
    records: Sequence[TrialRecord],
    level: float | None,
    made: Sequence[FinalRun],
) -> list[PlannedRun]:
    """Return the planned runs whose trials are no better than guessing.

    Trials with finished runs are left out, because the user has asked for these runs.

    Args:
        chosen: One planned run for each finalist.
        records: Records of all trials.
        level: Highest validation accuracy that can be explained by guessing, or None if no trial
            counts as guessing.
        made: Finished runs.
    """
    tested = {run.trial for run in made}
    guessing = {record.number for record in records if guesses(record, level)}
    return [run for run in chosen if run.trial in guessing - tested]
