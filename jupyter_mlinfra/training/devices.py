"""The device that a job was given."""

from __future__ import annotations

import os
from importlib.util import find_spec
from typing import Literal

from ..core.gpus import gpu_slots
from ..core.variables import JOB


def device(library: Literal["torch", "xgboost"] = "torch") -> Literal["cuda", "cpu"]:
    """`cuda` if this job has a GPU that the installed library can use; otherwise `cpu`.

    A GPU that is merely in the machine is not used, because another job may hold it: the queue
    lists a job's GPUs in CUDA_VISIBLE_DEVICES, and hides all of them from a job that asked for
    none.
    """
    visible = os.environ.get("CUDA_VISIBLE_DEVICES", "").strip()
    if not os.environ.get(JOB) or not visible or visible.startswith("-"):
        return "cpu"
    return "cuda" if _can_use_gpus(library) else "cpu"


def _can_use_gpus(library: str) -> bool:
    if find_spec(library) is None:
        return False
    if library == "torch":
        import torch

        return bool(torch.cuda.is_available())
    import xgboost

    # torch has a question for this, XGBoost does not. A slot may be only a count, without a driver.
    return bool(xgboost.build_info().get("USE_CUDA")) and bool(gpu_slots(-1))
