"""Selection of the device and the number format of a run."""

from contextlib import AbstractContextManager
from dataclasses import dataclass

import torch

from tune_mnist.errors import UserError, unknown
from tune_mnist.training.settings import DEVICES, PRECISIONS


@dataclass(frozen=True)
class Compute:
    """Device and number format of a run.

    Attributes:
        device: Device that holds the model and the batches.
        bf16: Whether matrix products and convolutions run in bfloat16 under autocast, with float32
            weights and channels_last memory format. If False, everything is computed in float32.
        cuda_graphs: Whether training steps are replayed as a CUDA graph.
    """

    device: torch.device
    bf16: bool
    cuda_graphs: bool = False

    @property
    def precision(self) -> str:
        """Name of the number format, ``"bf16"`` or ``"fp32"``."""
        return "bf16" if self.bf16 else "fp32"

    @property
    def memory_format(self) -> torch.memory_format:
        """Memory format of the model and the images."""
        return torch.channels_last if self.bf16 else torch.contiguous_format

    def autocast(self) -> AbstractContextManager[None]:
        """Return the context manager for forward passes in the number format of the run."""
        return torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=self.bf16)


def resolve_compute(device: str = "auto", precision: str = "auto") -> Compute:
    """Choose the device and the number format of a run on this machine.

    Args:
        device: ``"auto"``, ``"cpu"`` or ``"cuda"``. ``"auto"`` uses a GPU if there is one.
        precision: ``"auto"``, ``"fp32"`` or ``"bf16"``. ``"auto"`` uses bfloat16 if the hardware
            supports it natively (CPUs with AVX512-BF16 or AMX, most GPUs).

    Raises:
        UserError: A name is unknown, or CUDA is requested but not available.
    """
    if device not in DEVICES:
        raise unknown("device", device, DEVICES)
    if precision not in PRECISIONS:
        raise unknown("precision", precision, PRECISIONS)
    has_gpu = torch.cuda.is_available()
    if device == "cuda" and not has_gpu:
        raise UserError(
            "--device cuda: PyTorch finds no CUDA GPU on this machine; use --device cpu or auto"
        )
    # Saturated sigmoids and vanishing gradients produce denormal numbers, which a CPU processes
    # about twenty times slower than zeros.
    torch.set_flush_denormal(True)
    chosen = torch.device("cuda" if has_gpu and device != "cpu" else "cpu")
    bf16 = _multiplies_bf16(chosen) if precision == "auto" else precision == "bf16"
    return Compute(chosen, bf16, cuda_graphs=chosen.type == "cuda")


def _multiplies_bf16(device: torch.device) -> bool:
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    # Emulated bfloat16 is slower than float32, so only native instructions count.
    return bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())
