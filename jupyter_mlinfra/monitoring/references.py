"""Reference profiles, one JSON file per model version, in `.mlinfra/monitoring/references`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..core.errors import BadRequest, NotFound, Unprocessable
from ..core.files import write_atomic
from ..core.frames import polars_frame
from ..core.records import now, to_json
from .drift import ColumnReference, reference

if TYPE_CHECKING:
    from ..core.frames import Frame
    from ..core.project import Project

SCORE = "prediction"
FORMAT = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """What a model version saw in training. version: `model/3`. score: of its own answers, None if
    they were not given.
    """

    version: str
    made_at: str
    rows: int
    columns: Sequence[ColumnReference]
    score: ColumnReference | None


def make(version: str, data: Frame, score: Sequence[float] | None) -> Reference:
    """Profile training data. data: the model's inputs, one row per example; score: its answers, of
    the same length.

    Raises BadRequest if there is nothing to profile or the lengths differ.
    """
    import polars as pl

    frame = polars_frame(data, f"The reference of {version} cannot be made.")
    if not frame.height or not frame.width:
        raise BadRequest(
            f"The reference of {version} would be empty.",
            f"The frame has {frame.height} rows and {frame.width} columns.",
        )
    if score is not None and len(score) != frame.height:
        raise BadRequest(
            f"The reference of {version} does not fit.",
            f"There are {frame.height} rows and {len(score)} answers.",
        )
    answers = None if score is None else reference(pl.Series(SCORE, score))
    return Reference(
        version=version,
        made_at=to_json(now()),
        rows=frame.height,
        columns=[reference(column) for column in frame],
        score=answers,
    )


def path_of(project: Project, version: str) -> Path:
    """Path of the reference of `model/3`."""
    model, _, number = version.partition("/")
    if (
        not number.isdigit()
        or not model
        or model.startswith(".")
        or any(sign in model for sign in "/\\\0")
    ):
        raise BadRequest(f"{version!r} is not a model version.", "The form is MODEL/NUMBER.")
    return project.folder("monitoring", "references", model) / f"{number}.json"


def save(project: Project, reference: Reference) -> Path:
    """Write the reference; an older one of the same version is replaced."""
    path = path_of(project, reference.version)
    write_atomic(path, json.dumps({"format": FORMAT, **to_json(reference)}).encode())
    return path


def load(project: Project, version: str) -> Reference:
    """The reference of a version. Raises NotFound if it has none, Unprocessable if its file is
    broken.
    """
    path = path_of(project, version)
    if not path.exists():
        raise NotFound(
            f"{version} has no reference profile.",
            "It is not known what it saw in training.",
            f"ml.model({version!r}).reference(frame)",
        )
    try:
        body: dict[str, Any] = json.loads(path.read_bytes())
        columns = [ColumnReference(**column) for column in body["columns"]]
        score = ColumnReference(**body["score"]) if body["score"] else None
        return Reference(
            version=body["version"],
            made_at=body["made_at"],
            rows=body["rows"],
            columns=columns,
            score=score,
        )
    except (ValueError, KeyError, TypeError) as error:
        raise Unprocessable(
            f"The reference profile of {version} is broken.",
            f"{path}: {error!r}.",
            "Make it again from the training data.",
        ) from error
