"""Running out of memory, told from other errors."""

import torch


def is_out_of_memory(error: BaseException) -> bool:
    """Tell whether an error means that there was not enough memory, on the CPU or on a GPU."""
    # PyTorch's CPU allocator has no exception of its own.
    return isinstance(error, MemoryError | torch.OutOfMemoryError) or (
        "can't allocate memory" in str(error)
    )
