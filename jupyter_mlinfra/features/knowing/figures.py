"""The statistics of a view: profile, freshness, drift and skew of each feature. Computed once for
each state of the source and of the training window.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from ...core.errors import MLInfraError
from ...core.records import Number
from ...core.viewer import Reveal
from .. import statistics
from ..definitions import Definition
from ..pages import view_ref
from ..repo import folder
from ..state import aged
from . import compared, trained
from .masked import masked_features
from .reading import NO_TRAINING, Found, Knowledge
from .spec import FeatureFigures, ViewStatistics

if TYPE_CHECKING:
    from feast import FeatureStore

    from ...catalog import Profile
    from ...core.project import Project


def statistics_of(
    project: Project,
    view: Definition,
    at: datetime,
    views: Mapping[str, Definition],
    *,
    reveal: Reveal = False,
    feast: Callable[[], FeatureStore] | None = None,
) -> ViewStatistics:
    """See the records. at: the moment to which the ttl applies. views: all there are. reveal: who
    sees the profile of masked features too, which is recorded and kept nowhere. feast: with it the
    code of an on-demand view is run, which raises Conflict for another view.
    """
    figures = statistics.current(project, view)
    window = trained.last(project, view.view)
    masked = masked_features(view, folder(project), views)
    found, problem, fix = Found(no_drift=NO_TRAINING), figures.problem, figures.fix
    known = Knowledge(project, view, views, window, masked)
    read_here = view.aggregated or not view.computed
    if feast is not None:
        found = known.run(feast)
    elif not read_here and (kept := known.kept_run()):
        found = kept
    elif not read_here:
        found, masked = known.stored(reveal)
    elif figures.rows is not None and view.source is not None:
        try:
            found = known.read(view.source, figures.state)
        except MLInfraError as error:
            problem, fix = f"{error.what} {error.why}".strip(), error.fix
    report, checked_at = compared.last(project, view, masked)  # revealed or not
    if reveal and read_here and found.profile and view.source:
        found, masked = known.revealed(found, view.source, reveal)
    fills = _fills(found.profile) if view.computed else {}
    features = [
        FeatureFigures(
            name=column.name,
            fill=fills.get(column.name) or figures.fill(column.name),
            newest=(newest := figures.newest_of.get(column.name)),
            freshness=aged(view, newest, at),
            drift=found.drift[column.name].psi if column.name in found.drift else None,
            ks=found.drift[column.name].ks if column.name in found.drift else None,
            skew=compared.rate(report, column.name),
        )
        for column in view.features
    ]
    return ViewStatistics(
        view=view.name,
        ref=view_ref(view.name),
        rows=Number(value=figures.rows),
        ttl_seconds=view.ttl_seconds,
        profile=found.profile,
        features=features,
        training=window,
        no_drift=found.no_drift,
        skew=report,
        skew_at=checked_at,
        # Of the view: its dataset may have other columns that are tagged.
        masked=sorted(masked & {column.name for column in (*view.features, *view.keys)}),
        problem=problem,
        fix=fix,
        told_from=found.told_from,
    )


def _fills(profile: Profile | None) -> dict[str, Number]:
    """Share of values that are there, where no source has them."""
    if profile is None or not profile.rows:
        return {}
    return {
        name: Number(
            value=(profile.rows - column.nulls) / profile.rows,
            basis="sample" if column.basis.get("nulls") == "sample" else "exact",
            n=column.sample or profile.rows,
        )
        for name, column in profile.columns.items()
        if column.nulls is not None
    }
