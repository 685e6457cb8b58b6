"""Running out of memory, told from other errors."""

import torch

# What PyTorch and CUDA's libraries say where PyTorch raises no exception of its own for it.
_WORDS = (
    "can't allocate memory",
    "CUDA error: out of memory",
    "CUBLAS_STATUS_ALLOC_FAILED",
    "CUDNN_STATUS_ALLOC_FAILED",
)


def is_out_of_memory(error: BaseException) -> bool:
    """Tell whether an error means that there was not enough memory, on the CPU or on a GPU."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    return any(words in str(error) for words in _WORDS)


def describe_out_of_memory(error: BaseException, batch_size: int) -> str:
    """Return in one line that there was not enough memory, and for batches of what size."""
    lines = str(error).strip().splitlines()
    return f"out of memory with batch_size {batch_size}: {(lines or [type(error).__name__])[0]}"
