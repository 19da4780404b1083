"""Reference profiles, one JSON file per model version, in `.mlinfra/monitoring/references`."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...core.errors import BadRequest, NotFound, Unprocessable
from ...core.files import write_atomic
from ...core.frames import polars_frame
from ...core.records import now, to_json
from ..measures import error_models
from ..measures.drift import ColumnReference, reference
from ..measures.estimating import Calibration

if TYPE_CHECKING:
    import numpy as np

    from ...core.frames import Frame
    from ...core.project import Project
    from ..measures.error_models import ErrorModels

SCORE = "prediction"
FORMAT = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """What a model version saw in training. version: `model/3`. score: of its own answers, None if
    they were not given. calibrations: of class 1, or of more than two classes each; empty without
    labels. errors: what predicts the error of a value, None without labels. digest: of its file.
    classes: of its labels, see `classes_of`; empty without labels.
    """

    version: str
    made_at: str
    rows: int
    columns: Sequence[ColumnReference]
    score: ColumnReference | None
    calibrations: Sequence[Calibration] = ()
    made_from: str = ""
    errors: ErrorModels | None = field(default=None, compare=False)
    digest: str = ""
    classes: Sequence[str] = ()


def make(
    version: str, data: Frame, score: Sequence[float] | None, *, made_from: str = ""
) -> Reference:
    """Profile training data. data: the model's inputs, one row per example; dates are left out.
    score: its answers, of the same length. made_from: the dataset, if known.

    Raises BadRequest if there is nothing to profile or the lengths differ.
    """
    frame = polars_frame(data, f"The reference of {version} cannot be made.")
    # Time passes: dates of today are never those of the training, and that is no drift.
    frame = frame.select(column for column in frame if not column.dtype.is_temporal())
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
    made = Reference(
        version=version,
        made_at=to_json(now()),
        rows=frame.height,
        columns=[reference(column) for column in frame],
        score=None,
        made_from=made_from,
    )
    return with_score(made, score)


def with_score(made: Reference, score: Sequence[float] | np.ndarray | None) -> Reference:
    """The reference with a profile of the model's answers, which may be of some of the rows."""
    import polars as pl

    return replace(made, score=None if score is None else reference(pl.Series(SCORE, score)))


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
    facts = to_json(replace(reference, errors=None))
    facts = {name: value for name, value in facts.items() if name not in ("errors", "digest")}
    write_atomic(path, json.dumps({"format": FORMAT, **facts}).encode())
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
        content = path.read_bytes()
        body: dict[str, Any] = json.loads(content)
        columns = [ColumnReference(**column) for column in body["columns"]]
        score = ColumnReference(**body["score"]) if body["score"] else None
        return Reference(
            version=body["version"],
            made_at=body["made_at"],
            rows=body["rows"],
            columns=columns,
            score=score,
            calibrations=[Calibration(**item) for item in body.get("calibrations", ())],
            made_from=body.get("made_from", ""),
            errors=error_models.of(path),
            classes=body.get("classes", ()),
            digest=hashlib.sha256(content).hexdigest()[:16],
        )
    except (ValueError, KeyError, TypeError) as error:
        raise Unprocessable(
            f"The reference profile of {version} is broken.",
            f"{path}: {error!r}.",
            "Make it again from the training data.",
        ) from error
