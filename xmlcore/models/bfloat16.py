"""Whether training may compute in bfloat16: `training.matmul_precision` sets torch's own switch.

On the CPU that switch reaches too little, so that factors are rounded here; on a GPU torch obeys it by itself.
"""

import torch
from torch import Tensor

# Emulated bfloat16 is slower than float32, by 50 times on AVX2; torch has no public name for the question.
BFLOAT16_IS_FAST = torch.cpu._is_avx512_bf16_supported()


def may_round(values: Tensor) -> bool:
    """Return whether `values` may be bfloat16 inside products: the user allows it and the processor has it."""
    allowed = values.dtype == torch.float32 and torch.get_float32_matmul_precision() == "medium"
    return allowed and values.device.type == "cpu" and BFLOAT16_IS_FAST
