"""Where models compute: `device` of params.yaml.

Models are built and prepared on the CPU, and what is random there is drawn there and moved, so that all devices begin
alike.
"""

import os
from collections.abc import Callable

import torch
from torch import Tensor

from xmlcore.common.errors import UserError

CPU = torch.device("cpu")
AVAILABLE: dict[str, Callable[[], bool]] = {
    "cpu": lambda: True,
    "cuda": lambda: torch.cuda.is_available(),
    "mps": lambda: torch.backends.mps.is_available(),
}


def to_device(tensor: Tensor, device: torch.device) -> Tensor:
    """Return `tensor` on `device`; one of the CPU gets there without waiting for what a GPU still has to do.

    CUDA has put the values aside when the call returns; MPS may read them later, and is waited for.
    """
    return tensor.to(device, non_blocking=device.type not in ("cpu", "mps"))


def choose_device(name: str) -> torch.device:
    """Return the device `name`, one of `AVAILABLE`; `auto` is a CUDA GPU where there is one, else the CPU.

    Of several processes on one machine each has a GPU of its own. Raises `UserError` where there is none.
    """
    if name == "auto":
        name = "cuda" if AVAILABLE["cuda"]() else "cpu"
    if name not in AVAILABLE:
        raise UserError(f"device: one of auto, {', '.join(AVAILABLE)} (is {name!r})")
    if not AVAILABLE[name]():
        raise UserError(f"device: {name} is not available here; give auto or cpu")
    if name != "cuda":
        return torch.device(name)
    own, gpus = int(os.environ.get("LOCAL_RANK", "0")), torch.cuda.device_count()
    if own >= gpus:
        raise UserError(f"launch: more processes on a machine than its GPUs, {gpus}; start fewer, or give device cpu")
    torch.cuda.set_device(own)
    return torch.device("cuda", own)
