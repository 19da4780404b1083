"""Settings of the jobs. Each backend has its own beside it."""

from __future__ import annotations

from pydantic import ConfigDict, Field

from ..notebooks.warm.settings import WarmSettings


class JobSettings(WarmSettings):
    """`[jobs]`, with the settings of warm kernels."""

    model_config = ConfigDict(extra="forbid")

    backend: str = "local"
    """Entry point of group `mlinfra.job_backends` that runs the jobs."""

    cpus: int = Field(default=0, ge=0)
    """CPU slots of the local backend; 0 = as many as the machine has."""

    gpus: int = Field(default=-1, ge=-1)
    """GPU slots of the local backend; -1 = those that NVML finds."""

    grace_seconds: float = Field(default=10.0, ge=0)
    """Seconds between SIGTERM and SIGKILL of a cancelled job."""

    log_gib: float = Field(default=1.0, ge=0.001)
    """Most that one attempt's log keeps while the job runs, in GiB; of a longer one the middle is
    dropped, and a line says so.
    """

    snapshot_max_mib: float = Field(default=100.0, gt=0)
    """Code snapshots leave out the largest files beyond this size."""

    gpu_hour_price: float = Field(default=0.0, ge=0)
    """What an hour of one GPU costs, in any currency; 0 = nothing is said of costs."""

    cpu_hour_price: float = Field(default=0.0, ge=0)
    """The same of one CPU."""

    @property
    def log_bytes(self) -> int:
        """`log_gib` in bytes."""
        return int(self.log_gib * 2**30)
