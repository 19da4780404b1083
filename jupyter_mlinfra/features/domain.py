"""What the feature store declares for the interfaces."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..core.domain import Checks, Domain, Group, Kind, Magic, State

if TYPE_CHECKING:
    from ..workbench import Workbench
    from . import Features


def _open(bench: Workbench) -> Features:
    from . import Features
    from .verbs.base import Above

    return Features(bench.project, above=Above(bench.names, bench.aliases))


DOMAIN = Domain(
    name="features",
    open=_open,
    forget="jupyter_mlinfra.features.knowing.forgetting:forget",
    kinds=(
        Kind("view", fingerprint="fingerprint", code="jupyter_mlinfra.features.snippets:views"),
        Kind("feature", join=":", code="jupyter_mlinfra.features.snippets:features"),
        Kind("service", code="jupyter_mlinfra.features.snippets:services"),
        Kind("saved", code="jupyter_mlinfra.features.snippets:saved_sets"),
        Kind("entity", code="jupyter_mlinfra.features.snippets:entities"),
    ),
    topics=("view",),
    states=(
        State("fresh", "good"),
        State("expired", "bad"),
        State("never", "quiet"),
        State("PRESENT", "good"),
        State("NULL", "quiet"),
        State("EXPIRED", "bad"),
        State("NOT_FOUND", "quiet"),
    ),
    records={
        "jupyter_mlinfra.features.spec": (
            "AppliedViews",
            "Defined",
            "Entity",
            "Feature",
            "Unapplied",
            "Materialized",
            "OnlineRow",
            "Pushed",
            "Retagged",
            "SkewReport",
            "SavedSet",
            "Service",
            "ServiceDetail",
            "View",
            "ViewDetail",
        ),
        "jupyter_mlinfra.features.knowing.spec": (
            "Explained",
            "Rebuilt",
            "TrainingSnapshot",
            "ViewComparison",
            "ViewStatistics",
        ),
        "jupyter_mlinfra.features.knowing.uses": ("Use",),
    },
    shown=("jupyter_mlinfra.features.faces.rows",),
    routes="jupyter_mlinfra.features.faces.routes:ROUTES",
    groups=(
        Group(
            name="features",
            help="Feature views: apply, materialize, look up.",
            commands="jupyter_mlinfra.features.faces.cli:features",
            begin="definitions in feature_repo/, then: mlinfra features apply",
        ),
    ),
    magics=(
        Magic(
            name="features",
            group="features",
            verbs=(
                "list",
                "views",
                "services",
                "saved",
                "entities",
                "show",
                "search",
                "apply",
                "define",
                "tag",
                "deprecate",
                "materialize",
                "push",
                "online",
                "check",
                "explain",
                "statistics",
                "uses",
                "lineage",
                "snapshot",
                "use",
            ),
        ),
    ),
    calls={
        "features-example": "jupyter_mlinfra.features.snippets:example",
        "features-online": "jupyter_mlinfra.features.snippets:online",
        "features-start": "jupyter_mlinfra.features.snippets:start",
    },
    counts={"features": "jupyter_mlinfra.features.faces.status:count_features"},
    checks=Checks(name="online features", measure="jupyter_mlinfra.features.faces.status:check"),
    settings={
        "features": "jupyter_mlinfra.features.settings:FeatureSettings",
    },
)
