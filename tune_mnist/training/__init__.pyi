from .archive import CheckpointError
from .batching import create_batches, evaluation_batch_size
from .calibration import (
    expected_calibration_error,
    fit_temperature,
    log_loss,
    probabilities,
)
from .checkpoint import (
    CONFIG_FILE,
    MODEL_FILE,
    STATE_FILE,
    CheckpointFolder,
)
from .config import (
    CONFIG_COLUMNS,
    HYPERPARAMETERS,
    REQUIRED,
    SEARCHABLE,
    TrainConfig,
    hyperparameter,
    ordered_keys,
)
from .evaluation import (
    Classified,
    Evaluation,
    classify,
    evaluate,
    logits_and_labels,
    mean_loss_and_accuracy,
    score,
)
from .fidelity import Fidelity, Stage
from .hyperparameters import short_number
from .memory import describe_out_of_memory, is_out_of_memory, out_of_memory_reported
from .metrics import EpochMetrics
from .precision import Compute, resolve_compute
from .settings import OPTIMIZERS
from .trainer import DivergedError, Trainer, restore_newest
from .weights import check_weights, count_bytes, load_tensors

__all__ = [
    "CONFIG_COLUMNS",
    "CONFIG_FILE",
    "HYPERPARAMETERS",
    "MODEL_FILE",
    "OPTIMIZERS",
    "REQUIRED",
    "SEARCHABLE",
    "STATE_FILE",
    "CheckpointError",
    "CheckpointFolder",
    "Classified",
    "Compute",
    "DivergedError",
    "EpochMetrics",
    "Evaluation",
    "Fidelity",
    "Stage",
    "TrainConfig",
    "Trainer",
    "check_weights",
    "classify",
    "count_bytes",
    "create_batches",
    "describe_out_of_memory",
    "evaluate",
    "evaluation_batch_size",
    "expected_calibration_error",
    "fit_temperature",
    "hyperparameter",
    "is_out_of_memory",
    "load_tensors",
    "log_loss",
    "logits_and_labels",
    "mean_loss_and_accuracy",
    "ordered_keys",
    "out_of_memory_reported",
    "probabilities",
    "resolve_compute",
    "restore_newest",
    "score",
    "short_number",
]
