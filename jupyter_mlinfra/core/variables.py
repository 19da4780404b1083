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
"""The machine it runs on, if that is not the project's own, since `state.db` is not opened there;
and the folder in which it leaves its events, lineage and runs.
"""
NOTEBOOK, STEP = "MLINFRA_NOTEBOOK", "MLINFRA_STEP"
"""Of such a job: its notebook and its step of a pipeline, which it cannot look up."""
PREEMPT_SIGNALS = "MLINFRA_PREEMPT_SIGNALS"
"""Names of the signals that ask the job to save its work and end."""
DETACHED = "MLINFRA_DETACHED"
"""Set in a process that works in the background for a project: it never makes its state anew."""
ONLY_HERE = "MLINFRA_ONLY_HERE"
"""Names of variables, with commas between, that are useful only on the project's own machine."""
