"""Recognition of a finished search, so that a resume changes nothing in its results folder."""

from typing import Any

from tune_mnist.safe_paths import path_in
from tune_mnist.tuning.final.final_evaluation import FinalEvaluation
from tune_mnist.tuning.options.machine_fields import MachineFields
from tune_mnist.tuning.options.search_options import SearchOptions
from tune_mnist.tuning.recording.study import load_study
from tune_mnist.tuning.recording.trial_record import TrialRecord, TrialState
from tune_mnist.tuning.recording.trial_store import begun_trials
from tune_mnist.tuning.results_folder.resuming import has_study
from tune_mnist.tuning.running.stop_reason import ENDED, Outcome, StopReason
from tune_mnist.tuning.storage.kept_models import kept_models, read_config


def finished_outcome(
    final: FinalEvaluation, stored: SearchOptions, *, whole_val: bool
) -> Outcome | None:
    """Return the outcome of the search to resume, or None if a part of the search is left to do.

    Args:
        final: Final evaluation of the search.
        stored: Options in the results folder, before the resume changed any.
        whole_val: Whether the best models are evaluated on a larger validation split than the
            trials.
    """
    context = final.context
    options, directory = context.options, context.directory
    # TensorBoard and MLflow complete the runs that a killed session has not ended.
    if options.tensorboard or options.mlflow or not has_study(directory):
        return None
    # Changed options are stored, and a killed session may have left checkpoints to remove.
    if _kept(options) != _kept(stored) or context.settings.store.names():
        return None
    study = load_study(directory)
    records = [TrialRecord.from_study(trial, context.space.model) for trial in begun_trials(study)]
    ended = [record for record in records if record.state is not TrialState.INTERRUPTED]
    reason = study.user_attrs.get(ENDED)
    complete = len(ended) >= options.num_samples or reason == StopReason.EXHAUSTED.value
    if reason not in (StopReason.FINISHED.value, StopReason.EXHAUSTED.value) or not complete:
        return None
    if len(ended) < len(records) or not final.is_done(records):
        return None
    kept = kept_models(path_in(directory, "best")) if whole_val else []
    if any(read_config(folder).full_val_accuracy is None for folder in kept):
        return None
    return Outcome(StopReason(reason), final_runs=final.count_runs(records), is_unchanged=True)


def _kept(options: SearchOptions) -> dict[str, Any]:
    """Return the options that do not only say where trials run."""
    return options.model_dump(exclude=set(MachineFields.model_fields))
