"""The training core: plain PyTorch, no Ray; runs alone and inside a trial alike."""

from tune_mnist.training.archive import CheckpointError
from tune_mnist.training.batching import create_batches, evaluation_batch_size
from tune_mnist.training.checkpoint import (
    MODEL_FILE,
    STATE_FILE,
    CheckpointFolder,
)
from tune_mnist.training.config import (
    CONFIG_COLUMNS,
    HYPERPARAMETERS,
    REQUIRED,
    SEARCHABLE,
    TrainConfig,
    hyperparameter,
    ordered_keys,
)
from tune_mnist.training.evaluation import (
    Classified,
    Evaluation,
    classify,
    evaluate,
    mean_loss_and_accuracy,
    score,
)
from tune_mnist.training.fidelity import Fidelity, Stage
from tune_mnist.training.hyperparameter import MODEL_PREFIX, Hyperparameter, format_number
from tune_mnist.training.memory import describe_out_of_memory, is_out_of_memory
from tune_mnist.training.metrics import EpochMetrics
from tune_mnist.training.optimizers import OPTIMIZERS
from tune_mnist.training.precision import DEVICES, PRECISIONS, Compute, resolve_compute
from tune_mnist.training.trainer import DivergedError, Trainer, restore_newest
from tune_mnist.training.weights import (
    check_weights,
    count_bytes,
    load_tensors,
    load_weights,
)

__all__ = [
    "CONFIG_COLUMNS",
    "DEVICES",
    "HYPERPARAMETERS",
    "MODEL_FILE",
    "MODEL_PREFIX",
    "OPTIMIZERS",
    "PRECISIONS",
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
    "Hyperparameter",
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
    "format_number",
    "hyperparameter",
    "is_out_of_memory",
    "load_tensors",
    "load_weights",
    "mean_loss_and_accuracy",
    "ordered_keys",
    "resolve_compute",
    "restore_newest",
    "score",
]
