"""Whether training may compute in bfloat16: `training.matmul_precision` sets torch's own switch."""

import torch

# Emulated bfloat16 is slower than float32, by 50 times on AVX2; torch has no public name for the question.
BFLOAT16_IS_FAST = torch.cpu._is_avx512_bf16_supported()


def may_round(dtype: torch.dtype) -> bool:
    """Return whether values of `dtype` may be bfloat16 inside products: the user allows it and the processor has it."""
    return dtype == torch.float32 and torch.get_float32_matmul_precision() == "medium" and BFLOAT16_IS_FAST
