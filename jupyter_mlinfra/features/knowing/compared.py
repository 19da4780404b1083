"""The last comparison of a view's online values with its source."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Collection, Mapping
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...core.errors import MLInfraError
from ...core.files import write_atomic
from ...core.records import Number, now, to_json
from ..definitions import Definition, stem_of
from ..spec import FeatureSkew, SkewReport

if TYPE_CHECKING:
    from ...core.project import Project


def keep(
    project: Project, view: Definition, report: SkewReport, masked: Collection[str] = ()
) -> None:
    """Keep it as the last one. masked: features and keys of whose values no example is kept."""
    features = _without_examples(view, to_json(report.features), masked)
    body = {"at": to_json(now()), "report": {**to_json(asdict(report)), "features": features}}
    with contextlib.suppress(MLInfraError):  # a full disk costs the page, but not the answer
        write_atomic(_file(project, view), json.dumps(body).encode())


def last(
    project: Project, view: Definition, masked: Collection[str] = ()
) -> tuple[SkewReport | None, datetime | None]:
    """The report, and when it was made; None if there is none. masked: features and keys whose
    values are not told, so that examples with them go.
    """
    try:
        body = json.loads(_file(project, view).read_bytes())
        report = body["report"]
        told = _without_examples(view, report["features"], masked)
        features = {name: FeatureSkew(**item) for name, item in told.items()}
        until = datetime.fromisoformat(report["until"])
        return (
            SkewReport(**{**report, "until": until, "features": features}),
            datetime.fromisoformat(body["at"]),
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None, None


def _without_examples(
    view: Definition, features: Mapping[str, Any], masked: Collection[str]
) -> dict[str, Any]:
    every = any(key.name in masked for key in view.keys)
    return {
        name: {**item, "example": ""} if every or name in masked else item
        for name, item in features.items()
    }


def rate(report: SkewReport | None, feature: str) -> Number | None:
    """The share of the feature's values that differ from the source or are not online."""
    if report is None or feature not in report.features:
        return None
    found = report.features[feature]
    values = found.compared + found.missing_online
    if not values:
        return None
    wrong = found.different + found.missing_online
    return Number(value=wrong / values, basis="sample", n=values)


def _file(project: Project, view: Definition) -> Path:
    return project.folder("features", "skew") / f"{stem_of(view.name)}-{view.digest}.json"
