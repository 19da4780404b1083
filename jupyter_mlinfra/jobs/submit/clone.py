"""What a clone takes over from a job or array: everything that was requested, and nothing that is
the earlier one's own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ...core.domain import load
from ...core.domains import domains, guarded, is_ours
from ...core.errors import BadRequest, MLInfraError
from ..array import canonical, with_parameters
from ..spec import JobSpec


def clone_of(spec: JobSpec, changes: Mapping[str, Any], *, root: Path, home: Path) -> JobSpec:
    """A job like `spec`, with other values for some fields; of `parameters`, for some of them.
    root, home: of the project.

    It stands alone: domains take away what ties the earlier job to an object of theirs, such as a
    run of a pipeline. It uses no checkpoints but its own.
    """
    fields = {name: value for name, value in changes.items() if name != "parameters"}
    copy = replace(_detached(spec), **{"key": None, "after": (), "checkpoints": None, **fields})
    if (
        copy.output is not None
        and "output" not in fields
        and (root / copy.output).is_relative_to(home)
    ):
        copy = replace(copy, output=None)  # there lies what was made for the earlier job
    parameters = changes.get("parameters") or {}
    changed = with_parameters(copy, parameters)
    swept = [name for name in parameters if any(name in values for values in copy.array)]
    if swept and _distinct(changed.array) < _distinct(copy.array):
        raise BadRequest(
            f"Elements of the array would be alike with the same {', '.join(swept)}.",
            "Each of them has a value of its own for it, by which they differ.",
            "Clone one element by its own id, ARRAY/INDEX; or submit an array with other values.",
        )
    return changed


def _detached(spec: JobSpec) -> JobSpec:
    for domain in domains():
        if domain.clone:
            our_labels = is_ours(domain.clone)
            try:
                with guarded(domain.name, own=our_labels):
                    found = load(domain.clone)(spec)
            except MLInfraError:
                if our_labels:
                    raise
                continue  # the log says why: a package that fails keeps no job from its clone
            spec = found if isinstance(found, JobSpec) else spec
    return spec


def _distinct(elements: Sequence[Mapping[str, Any]]) -> int:
    return len({canonical(values) for values in elements})
