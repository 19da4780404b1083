"""Settings of the backend slurm."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from ....core.settings import Section


class SlurmSettings(Section):
    """`[jobs.slurm]`"""

    TABLE: ClassVar[str] = "jobs.slurm"

    partition: str = ""
    """Partition of jobs that name no queue; empty = the cluster's default."""

    account: str = ""
    """Account that jobs are charged to."""

    qos: str = ""
    """Quality of service."""

    arguments: tuple[str, ...] = ()
    """Further arguments of `sbatch`, such as `--constraint=a100`."""

    conf: str = ""
    """`SLURM_CONF`, where the commands do not find the cluster by themselves."""

    bin: str = ""
    """Folder of the commands `sbatch`, `squeue`, `scancel`; empty = found in PATH."""

    python: str = ""
    """Interpreter on the nodes that has this package; empty = the one that submits, at the same
    path.
    """

    poll_seconds: float = Field(default=2.0, gt=0)
    """Seconds between two looks at the queue while jobs are there; each is one `squeue` for all of
    them.
    """

    notice_seconds: int = Field(default=60, ge=1)
    """Seconds of warning before a job has to give way or the partition's limit ends it."""

    raise_priority: bool = False
    """Whether priorities above 50 become a negative nice value, which Slurm allows its operators
    only.
    """
