"""Detection and description of out-of-memory errors."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from tune_mnist.errors import UserError

# Messages of errors for which PyTorch raises no OutOfMemoryError.
_WORDS = (
    "can't allocate memory",
    "CUDA error: out of memory",
    "CUBLAS_STATUS_ALLOC_FAILED",
    "CUDNN_STATUS_ALLOC_FAILED",
)


def is_out_of_memory(error: BaseException) -> bool:
    """Return whether an error was caused by a lack of memory, on the CPU or on a GPU."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    return any(words in str(error) for words in _WORDS)


@contextmanager
def out_of_memory_reported(message: str) -> Iterator[None]:
    """Context manager that converts an out-of-memory error to a UserError.

    Args:
        message: Message of the UserError, which states the cause and the remedy.

    Raises:
        UserError: Memory ran out in the context.
    """
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
        raise UserError(message) from None


def describe_out_of_memory(error: BaseException, batch_size: int) -> str:
    """Return a one-line message about an out-of-memory error.

    Args:
        error: Error raised by PyTorch.
        batch_size: Training batch size of the configuration.
    """
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return f"out of memory with batch_size {batch_size}: {lines[0]}"
