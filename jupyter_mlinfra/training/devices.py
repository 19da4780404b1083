"""The device that a job was given."""

from __future__ import annotations

import os
from importlib.util import find_spec
from typing import Literal

from ..core.gpus import gpu_slots
from ..core.variables import JOB


def device(library: Literal["torch", "xgboost"] = "torch") -> Literal["cuda", "cpu"]:
    """`cuda` if this is a job that was given a GPU which the library, as it is installed, can use;
    otherwise `cpu`.

    A GPU that merely is in the machine is not taken, for another job may hold it: the queue names
    those of a job in CUDA_VISIBLE_DEVICES, and hides all of them from a job that asked for none.
    """
    named = os.environ.get("CUDA_VISIBLE_DEVICES", "").strip()
    if not os.environ.get(JOB) or not named or named.startswith("-"):
        return "cpu"
    return "cuda" if _can_use_gpus(library) else "cpu"


def _can_use_gpus(library: str) -> bool:
    if find_spec(library) is None:
        return False
    if library == "torch":
        import torch

        return bool(torch.cuda.is_available())
    import xgboost

    # It has no question for this. A slot may only count, where there is no driver.
    return bool(xgboost.build_info().get("USE_CUDA")) and bool(gpu_slots(-1))
