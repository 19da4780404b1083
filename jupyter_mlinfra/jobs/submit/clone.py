"""What a clone takes over from a job or array: everything that was requested, and nothing that is
the earlier one's own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ...core.errors import BadRequest
from ..array import canonical, with_parameters
from ..spec import JobSpec

_OF_A_STEP = ("pipeline", "run", "step")
"""Labels by which a pipeline run knows the jobs of its steps."""
_OF_ITS_RUN = "MLFLOW_RUN_CONTEXT"
"""Variable with what is recorded on everything that such a job tracks."""


def clone_of(spec: JobSpec, changes: Mapping[str, Any], *, root: Path, home: Path) -> JobSpec:
    """A job like `spec`, with other values for some fields; of `parameters`, for some of them.
    root, home: of the project.

    It is not a step of the earlier job's run, and uses no checkpoints but its own.
    """
    given = {name: value for name, value in changes.items() if name != "parameters"}
    found = replace(_alone(spec), **{"key": None, "after": (), "checkpoints": None, **given})
    if (
        found.output is not None
        and "output" not in given
        and (root / found.output).is_relative_to(home)
    ):
        found = replace(found, output=None)  # there a pipeline keeps what its own job has made
    parameters = changes.get("parameters") or {}
    changed = with_parameters(found, parameters)
    swept = [name for name in parameters if any(name in values for values in found.array)]
    if swept and _distinct(changed.array) < _distinct(found.array):
        raise BadRequest(
            f"Elements of the array would be alike with the same {', '.join(swept)}.",
            "Each of them has a value of its own for it, by which they differ.",
            "Clone one element by its own id, ARRAY/INDEX; or submit an array with other values.",
        )
    return changed


def _alone(spec: JobSpec) -> JobSpec:
    if not all(name in spec.labels for name in _OF_A_STEP):
        return spec
    labels = {name: value for name, value in spec.labels.items() if name not in _OF_A_STEP}
    environment = {name: value for name, value in spec.environment.items() if name != _OF_ITS_RUN}
    return replace(spec, name="", labels=labels, environment=environment)


def _distinct(elements: Sequence[Mapping[str, Any]]) -> int:
    return len({canonical(values) for values in elements})
