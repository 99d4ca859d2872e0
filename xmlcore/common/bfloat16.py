"""Where training may compute in bfloat16: `training.matmul_precision` sets torch's own switch."""

import torch
from torch import Tensor

# Emulated bfloat16 is slower than float32, by 50 times on AVX2; torch has no public name for the question.
CPU_HAS_BFLOAT16 = torch.cpu._is_avx512_bf16_supported()


def has_bfloat16(device: torch.device) -> bool:
    """Return whether `device` multiplies bfloat16 by itself."""
    if device.type == "cpu":
        return CPU_HAS_BFLOAT16
    return device.type != "cuda" or torch.cuda.is_bf16_supported(including_emulation=False)


def may_round(values: Tensor) -> bool:
    """Return whether `values` may be bfloat16 inside products: the user allows it and their device has it."""
    return values.dtype == torch.float32 and _is_allowed(values.device)


def autocast(device: torch.device) -> torch.autocast:
    """Return the context in which a GPU takes all products in bfloat16, if it may.

    A CPU takes those that are worth it, where `may_round` is asked.
    """
    return torch.autocast(device.type, torch.bfloat16, enabled=device.type != "cpu" and _is_allowed(device))


def _is_allowed(device: torch.device) -> bool:
    return torch.get_float32_matmul_precision() == "medium" and has_bfloat16(device)
