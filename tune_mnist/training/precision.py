"""Which device and which number format a run uses."""

from contextlib import AbstractContextManager
from dataclasses import dataclass

import torch

from tune_mnist.errors import UserError, unknown
from tune_mnist.training.settings import DEVICES, PRECISIONS


@dataclass(frozen=True)
class Compute:
    """Device and number format of a run.

    Attributes:
        device: where the model and the batches live.
        bf16: True: matrix products and convolutions in bfloat16 under autocast, weights in
            float32, maps in channels_last order; False: float32 throughout.
        cuda_graphs: whether training steps are captured once and replayed as a CUDA graph.
    """

    device: torch.device
    bf16: bool
    cuda_graphs: bool = False

    @property
    def precision(self) -> str:
        """The number format's name, bf16 or fp32."""
        return "bf16" if self.bf16 else "fp32"

    @property
    def memory_format(self) -> torch.memory_format:
        """The order of dimensions in memory that goes with the number format."""
        return torch.channels_last if self.bf16 else torch.contiguous_format

    def autocast(self) -> AbstractContextManager[None]:
        """Return the context in which forward passes run."""
        return torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=self.bf16)


def resolve_compute(device: str = "auto", precision: str = "auto") -> Compute:
    """Turn the options ``--device`` and ``--precision`` into what this machine will use.

    ``auto`` takes the GPU if there is one, and bfloat16 where the hardware multiplies in it
    (CPU: AVX512-BF16 or AMX; GPU: native bfloat16).

    Raises:
        UserError: unknown name, or CUDA asked for where there is none.
    """
    if device not in DEVICES:
        raise unknown("device", device, DEVICES)
    if precision not in PRECISIONS:
        raise unknown("precision", precision, PRECISIONS)
    has_gpu = torch.cuda.is_available()
    if device == "cuda" and not has_gpu:
        raise UserError("--device cuda: PyTorch finds no CUDA GPU here: use --device cpu or auto")
    # Saturated sigmoids and dying gradients fill a network with denormal numbers, on which a CPU
    # computes some twenty times slower than on zeros.
    torch.set_flush_denormal(True)
    chosen = torch.device("cuda" if has_gpu and device != "cpu" else "cpu")
    bf16 = _multiplies_bf16(chosen) if precision == "auto" else precision == "bf16"
    return Compute(chosen, bf16, cuda_graphs=chosen.type == "cuda")


def _multiplies_bf16(device: torch.device) -> bool:
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    # Emulated bfloat16 is slower than float32, so what counts is the instruction set.
    return bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())
