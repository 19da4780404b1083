"""What a clone of a step's job leaves out."""

from __future__ import annotations

from dataclasses import replace

from ..jobs import JobSpec

_OF_A_STEP = ("pipeline", "run", "step")
"""Labels by which a run knows the jobs of its steps."""
_OF_ITS_RUN = "MLFLOW_RUN_CONTEXT"
"""Variable with what is recorded on everything that such a job tracks."""


def detached(spec: JobSpec) -> JobSpec:
    """The job without what makes it a step of a run; others stay as they are."""
    if not all(name in spec.labels for name in _OF_A_STEP):
        return spec
    labels = {name: value for name, value in spec.labels.items() if name not in _OF_A_STEP}
    environment = {name: value for name, value in spec.environment.items() if name != _OF_ITS_RUN}
    return replace(spec, name="", labels=labels, environment=environment)
