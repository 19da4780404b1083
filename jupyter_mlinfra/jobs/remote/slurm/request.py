"""What `sbatch` is asked for. No I/O."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

from ...remote.slurm.settings import SlurmSettings
from ...spec import JobSpec

NICE_STEP = 100
"""Nice value of one point of priority."""


def needs(spec: JobSpec, settings: SlurmSettings, *, grace_seconds: float) -> list[str]:
    """The arguments for what a job needs."""
    options = ["--nodes=1", "--ntasks=1", f"--cpus-per-task={max(1, spec.cpus)}"]
    if spec.memory_gib:
        options.append(f"--mem={math.ceil(spec.memory_gib * 1024)}M")
    if spec.gpus:
        options.append(f"--gres=gpu:{f'{spec.gpu_type}:' if spec.gpu_type else ''}{spec.gpus:.0f}")
    if spec.time_limit_minutes is not None:
        # The guard enforces the limit; Slurm's is a little later, in case the guard cannot.
        options.append(f"--time={math.ceil(spec.time_limit_minutes + grace_seconds / 60) + 1}")
    for name, value in (
        ("partition", spec.queue or settings.partition),
        ("account", settings.account),
        ("qos", settings.qos),
    ):
        if value:
            options.append(f"--{name}={value}")
    return [*options, *settings.arguments]


def nice(priority: int, settings: SlurmSettings) -> int:
    """Priority 50 is Slurm's own default; below it a job lets others go first."""
    value = (50 - priority) * NICE_STEP
    return value if settings.raise_priority else max(0, value)


def array(indexes: Sequence[int]) -> str:
    """Indexes as Slurm writes them: 0-3,7."""
    parts = list[list[int]]()
    for index in sorted(indexes):
        if parts and index == parts[-1][-1] + 1:
            parts[-1][1:] = [index]
        else:
            parts.append([index])
    return ",".join("-".join(map(str, part)) for part in parts)


def output(path: Path) -> str:
    """A file's path, not a pattern."""
    return str(path).replace("%", "%%")
