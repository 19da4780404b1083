"""Reference profiles, one JSON file per model version, in `.mlinfra/monitoring/references`."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...core.errors import BadRequest, NotFound, Unprocessable
from ...core.files import write_atomic
from ...core.frames import polars_frame
from ...core.records import now, to_json
from ..measures import error_models
from ..measures.answers import MOST_OUTPUTS, are_probabilities, predicted_classes
from ..measures.drift import (
    ColumnReference,
    classes_reference,
    date_reference,
    presence_reference,
    reference,
)
from ..measures.estimating import Calibration
from ..measures.parts import SECONDS, measured, measures_of, named

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

    from ...core.frames import Frame
    from ...core.project import Project
    from ...deployments.runtime.contract import Column
    from ..measures.error_models import ErrorModels

SCORE = "prediction"
FORMAT = 1

_NOTHING_TO_COMPARE = ("binary", "array", "object", "map", "any")
"""Types of which only the share of missing values is known, if nothing is measured of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """What a model version saw in training. version: `model/3`. score: of its own answers, of
    several the first, None if they were not given. outputs: of each of several answers, by the name
    of the class or output; predicted: of the class with the largest probability. calibrations: of
    class 1, or of more than two classes each; empty without labels. errors: what predicts the error
    of a value, None without labels. digest: of its file. classes: of its labels, see `classes_of`;
    empty without labels.
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
    outputs: Sequence[ColumnReference] = ()
    predicted: ColumnReference | None = None


def make(
    version: str,
    data: Frame,
    score: Sequence[float] | None,
    *,
    made_from: str = "",
    inputs: Sequence[Column] = (),
) -> Reference:
    """Profile training data. data: the model's inputs as the payload log has them, one row per
    example. score: its answers, of the same length. made_from: the dataset, if known. inputs: types
    of columns; of others it is that of their values.

    Raises BadRequest if there is nothing to profile or the lengths differ.
    """
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
    types = {column.name: column for column in inputs}
    made = Reference(
        version=version,
        made_at=to_json(now()),
        rows=frame.height,
        columns=[*chain.from_iterable(_profiles(column, types) for column in frame)],
        score=None,
        made_from=made_from,
    )
    return with_score(made, score)


def _profiles(values: pl.Series, types: Mapping[str, Column]) -> Iterator[ColumnReference]:
    """One column of the log, or its measures where its values are nothing to compare."""
    import polars as pl

    name = values.name
    column = types.get(name) or types.get(name.removeprefix("input."))
    kind, spec = (column.type, column.spec) if column else ("", {})
    if kind == "datetime" or isinstance(values.dtype, pl.Datetime | pl.Date):
        found = date_reference(name, measured(values, SECONDS))
        yield replace(found, source=name, measure=SECONDS)
    elif measures := measures_of(kind, spec):
        for called, measure in named(name, measures):
            profile = reference(measured(values, measure).rename(called))
            yield replace(profile, source=name, measure=measure)
    elif kind in _NOTHING_TO_COMPARE or _is_nothing_to_compare(values):
        yield presence_reference(values)
    else:
        yield reference(values)


def _is_nothing_to_compare(values: pl.Series) -> bool:
    import polars as pl

    kind = values.dtype
    return kind.is_nested() or kind.is_temporal() or kind in (pl.Binary, pl.Object)


def comparable(made: Reference) -> list[str]:
    """The columns of the log whose values are compared as they are."""
    return [
        column.name
        for column in made.columns
        if not column.measure and column.kind not in ("date", "presence")
    ]


def with_score(
    made: Reference, score: Sequence[float] | np.ndarray | None, names: Sequence[str] = ()
) -> Reference:
    """The reference with a profile of the model's answers, which may be of some of the rows: one
    for each row, or several. names: of several ones, in their order; else they are numbered.
    """
    import numpy as np
    import polars as pl

    if score is None:
        return replace(made, score=None)
    answers = np.asarray(score)
    if answers.ndim == 1:
        return replace(made, score=reference(pl.Series(SCORE, score)))
    columns = [f"{SCORE}_{place}" if place else SCORE for place in range(answers.shape[1])]
    rows = pl.DataFrame(
        [pl.Series(name, answers[:, place].tolist()) for place, name in enumerate(columns)]
    )
    made = replace(made, score=reference(rows[SCORE]))
    if len(columns) == 1:
        return made
    names = _distinct(names, len(columns))[:MOST_OUTPUTS]
    outputs = [
        replace(reference(rows[column]), name=name, source=column)
        for name, column in zip(names, columns, strict=False)
    ]
    chosen = (
        classes_reference(predicted_classes(rows, names), names)
        if are_probabilities(answers)
        else None
    )
    return replace(made, outputs=outputs, predicted=chosen)


def _distinct(names: Sequence[str], count: int) -> Sequence[str]:
    """The names of so many outputs; their places if they are not known."""
    known = len(names) == count == len(set(names)) and all(names)
    return names if known else [str(place) for place in range(count)]


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
            outputs=[ColumnReference(**column) for column in body.get("outputs", ())],
            predicted=(ColumnReference(**body["predicted"]) if body.get("predicted") else None),
            digest=hashlib.sha256(content).hexdigest()[:16],
        )
    except (ValueError, KeyError, TypeError) as error:
        raise Unprocessable(
            f"The reference profile of {version} is broken.",
            f"{path}: {error!r}.",
            "Make it again from the training data.",
        ) from error
