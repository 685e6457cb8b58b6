"""Detection and description of out-of-memory errors."""

import torch

# Messages of errors for which PyTorch raises no OutOfMemoryError.
_WORDS = (
    "can't allocate memory",
    "CUDA error: out of memory",
    "CUBLAS_STATUS_ALLOC_FAILED",
    "CUDNN_STATUS_ALLOC_FAILED",
)


def is_out_of_memory(error: BaseException) -> bool:
    """Return whether an error was caused by too little memory, on the CPU or on a GPU."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    return any(words in str(error) for words in _WORDS)


def describe_out_of_memory(error: BaseException, batch_size: int) -> str:
    """Return a one-line message about an out-of-memory error.

    Args:
        error: Error raised by PyTorch.
        batch_size: Training batch size of the configuration.
    """
    lines = str(error).strip().splitlines()
    return f"out of memory with batch_size {batch_size}: {(lines or [type(error).__name__])[0]}"
