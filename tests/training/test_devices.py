"""The device is that of the job, or none."""

from __future__ import annotations

import pytest

from jupyter_mlinfra.core.gpus import Gpu
from jupyter_mlinfra.training import device, devices


@pytest.mark.parametrize(
    ("job", "named", "driver", "expected"),
    [
        ("7f3a", "GPU-1", True, "cuda"),
        ("7f3a", "", True, "cpu"),  # a job that asked for none
        ("7f3a", "-1", True, "cpu"),
        ("", "GPU-1", True, "cpu"),  # no job: somebody else may hold it
        ("7f3a", "0", False, "cpu"),  # a slot that only counts
    ],
)
def test_a_gpu_is_used_only_if_the_job_was_given_one_that_works(
    job: str, named: str, driver: bool, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLINFRA_JOB", job)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", named)
    monkeypatch.setattr(
        devices,
        "gpu_slots",
        lambda setting: (Gpu(id="GPU-1", number=0, name="A GPU"),) if driver else (),
    )
    assert device("xgboost") == expected
