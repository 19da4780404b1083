"""Names of the environment variables by which a process knows its project and its job."""

from __future__ import annotations

PROJECT, JOB, PROGRESS, REASON = (
    "MLINFRA_PROJECT",
    "MLINFRA_JOB",
    "MLINFRA_PROGRESS",
    "MLINFRA_REASON",
)
CHECKPOINTS = "MLINFRA_CHECKPOINTS"
"""A folder for what the job saves of its work; the same for every attempt."""
ARRAY_INDEX, GPU_SHARE = "MLINFRA_ARRAY_INDEX", "MLINFRA_GPU_SHARE"
NODE, OUTBOX = "MLINFRA_NODE", "MLINFRA_OUTBOX"
"""On which machine it runs, where that is not the project's own: `state.db` is not opened there;
and where it leaves what it makes known.
"""
NOTEBOOK, STEP = "MLINFRA_NOTEBOOK", "MLINFRA_STEP"
"""Of a job there: its notebook, and its step of a pipeline, as it cannot ask."""
PREEMPT_SIGNALS = "MLINFRA_PREEMPT_SIGNALS"
"""Names of the signals that ask the job to save its work and end."""
ONLY_HERE = "MLINFRA_ONLY_HERE"
"""Names of variables, with commas between, that are of use on the project's own machine alone."""
