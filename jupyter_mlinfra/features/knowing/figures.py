"""The statistics of a view: profile, freshness, drift and skew of each feature. Computed once for
each state of the source and of the training window.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from ...catalog import Profile
from ...core.errors import MLInfraError
from ...core.files import write_atomic
from ...core.records import Number, to_json
from ...core.viewer import Reveal
from .. import statistics
from ..definitions import Definition
from ..pages import short_type, view_ref
from ..repo import folder
from ..sources import SourceSpec, one_snapshot, readable, scan
from ..state import aged
from . import compared, trained
from .drift import Drift, drifts
from .masked import masked_features
from .spec import FeatureFigures, TrainingWindow, ViewStatistics

if TYPE_CHECKING:
    from pydantic import TypeAdapter

    from ...core.project import Project

SAMPLED = 100_000
"""Rows that the profile of a source without sketches is told from."""

_FORM = 3
"""Of the files; what was kept in another one is computed again."""

_NO_TRAINING = (
    f"No training set of at least {trained.FEWEST} rows was made of this view: there is nothing to"
    " measure drift against."
)
_COMPUTED = "Its values are computed: no source has rows of them whose drift could be measured."


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """What reading the rows has told."""

    profile: Profile | None = None
    drift: Mapping[str, Drift] = field(default_factory=dict)
    no_drift: str = ""


def statistics_of(
    project: Project,
    view: Definition,
    at: datetime,
    views: Mapping[str, Definition],
    *,
    reveal: Reveal = False,
) -> ViewStatistics:
    """See the records. at: the moment to which the ttl applies. views: all there are. reveal: who
    sees the profile of masked features too, which is recorded and kept nowhere.
    """
    figures = statistics.current(project, view)
    window = trained.last(project, view.view)
    masked = masked_features(view, folder(project), views)
    found, problem, fix = _Found(no_drift=_no_drift(view)), figures.problem, figures.fix
    if figures.rows is not None and view.source is not None:
        try:
            found = _found(project, view, view.source, (figures.state, window, masked))
        except MLInfraError as error:
            problem, fix = f"{error.what} {error.why}".strip(), error.fix
    report, checked_at = compared.last(project, view, masked)  # revealed or not
    if reveal and found.profile and view.source and view.source.kind == "dataset":
        shown = _profile(view, view.source, folder(project), reveal)
        found, masked = replace(found, profile=shown), frozenset[str]()
    return ViewStatistics(
        view=view.name,
        ref=view_ref(view.name),
        rows=Number(value=figures.rows),
        ttl_seconds=view.ttl_seconds,
        profile=found.profile,
        features=[
            FeatureFigures(
                name=column.name,
                fill=figures.fill(column.name),
                newest=(newest := figures.newest_of.get(column.name)),
                freshness=aged(view, newest, at),
                drift=found.drift[column.name].psi if column.name in found.drift else None,
                ks=found.drift[column.name].ks if column.name in found.drift else None,
                skew=compared.rate(report, column.name),
            )
            for column in view.features
        ],
        training=window,
        no_drift=found.no_drift,
        skew=report,
        skew_at=checked_at,
        masked=sorted(masked),
        problem=problem,
        fix=fix,
    )


def _found(
    project: Project,
    view: Definition,
    source: SourceSpec,
    of: tuple[str, TrainingWindow | None, frozenset[str]],
) -> _Found:
    """What is known, or read now. of: state of the source, window, and what is not shown."""
    state, window, masked = of
    mark = hashlib.sha256(repr((_FORM, state, window, sorted(masked))).encode()).hexdigest()[:16]
    path = project.folder("features", "figures") / f"{view.name}-{view.digest}.json"
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        kept = json.loads(path.read_bytes())
        if state and kept["mark"] == mark:
            return _adapter().validate_python(kept["found"])
    repo = folder(project)
    with one_snapshot(), readable(source):
        # A column of the source may have the name of an aggregation: it is something else.
        profile = None if view.windows else _profile(view, source, repo)
        found = _Found(profile=profile, no_drift=_no_drift(view))
        if window is not None and not view.computed:
            drift, reason = drifts(view, repo, window)
            found = replace(found, drift=drift, no_drift=reason)
    with contextlib.suppress(MLInfraError):  # a full disk costs time, but no page
        write_atomic(path, json.dumps({"mark": mark, "found": to_json(asdict(found))}).encode())
    return found


def _profile(view: Definition, source: SourceSpec, repo: Path, reveal: Reveal = False) -> Profile:
    """That of the dataset, which keeps sketches, else one of the rows."""
    from ...catalog import profile_of
    from ..sources.datasets import catalog_of

    names = {column.name: short_type(column.type) for column in view.features}
    if source.kind == "dataset":
        pinned = f"{source.name}@{source.snapshot}" if source.snapshot else source.name
        mapping = dict(source.mapping)
        origin = {new: old for old, new in mapping.items()}
        found = catalog_of(source, repo).profile(
            pinned,
            columns=[origin.get(name, name) for name in names],
            reveal=reveal,
            verb="features statistics",
        )
        told = {mapping.get(name, name): item for name, item in found.columns.items()}
        return replace(found, columns={name: told[name] for name in names if name in told})
    frame = scan(source, repo)
    there = frame.collect_schema()
    types = {name: kind for name, kind in names.items() if name in there}
    return profile_of(frame, types, ref=view_ref(view.name), sample_rows=SAMPLED)


def _no_drift(view: Definition) -> str:
    """Why there is no drift, unless there was a training set of stored rows."""
    return _COMPUTED if view.computed else _NO_TRAINING


@cache
def _adapter() -> TypeAdapter[_Found]:
    from pydantic import TypeAdapter

    return TypeAdapter(_Found)
