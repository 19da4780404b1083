"""The run: each view in turn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from ...core.errors import Conflict, MLInfraError, NotFound
from ...core.files import file_lock
from ...core.records import now
from ..definitions import Definition
from ..feast_telling import note_in_mlflow
from ..online import require_online_keys
from ..online.answering import NoAnswer
from ..registry import definitions, rebuild_index
from ..repo import open_store, require_online_store
from ..spec import Materialized
from .failures import raise_failures
from .one_view import ViewRun
from .vectors import Vectors
from .wish import Progress, Wish, in_utc

if TYPE_CHECKING:
    from feast import FeatureStore

    from ...core.project import Project


def materialize(project: Project, wish: Wish, *, progress: Progress) -> list[Materialized]:
    """Write the named views, or all that are served online, one after the other. One that cannot be
    read or served does not hold up the others: it is told at the end.

    Raises NotFound, Conflict for a view that is not online, BadRequest for a start in the future or
    parts that are too many, and what `raise_failures` raises.
    """
    wish = replace(
        wish,
        start=in_utc(wish.start) if wish.start else None,
        end=in_utc(wish.end) if wish.end else now(),
    )
    with file_lock(project.folder("features") / "lock"):
        feast = open_store(project)
        require_online_store(feast.config)
        views = {item.name: item for item in definitions(feast)}
        chosen = _select(views, wish.views)
        if wish.views:
            for view in chosen:
                require_online_keys(view)
        vectors = Vectors(project, feast)
        results, failures = _run_each(project, feast, chosen, wish, progress, vectors)
        note_in_mlflow(feast, results, from_start=wish.start is not None)
        vectors.renew()
        rebuild_index(project)
    raise_failures(failures, [item.view for item in results], [view.name for view in chosen])
    return results


def _run_each(
    project: Project,
    feast: FeatureStore,
    chosen: Sequence[Definition],
    wish: Wish,
    progress: Progress,
    vectors: Vectors,
) -> tuple[list[Materialized], dict[str, MLInfraError]]:
    """Results, and what failed by view. It ends where the online store gives the same error twice:
    it is down, and every source would be read for nothing.
    """
    results: list[Materialized] = []
    failures: dict[str, MLInfraError] = {}
    for view in chosen:
        try:
            require_online_keys(view)
            results.append(ViewRun(project, feast, view, wish, progress, vectors).run())
        except MLInfraError as error:
            down = isinstance(error, NoAnswer) and str(error) in map(str, failures.values())
            failures[view.name] = error
            if down:
                break
    return results, failures


def _select(views: dict[str, Definition], names: Sequence[str]) -> list[Definition]:
    if not names:
        return [
            view for view in views.values() if view.online and (view.stored or _aggregates(view))
        ]
    for name in names:
        if name not in views:
            raise NotFound(
                f"There is no view {name}.",
                f"The registry has {', '.join(views) or 'none'}.",
                "mlinfra features apply brings definitions in.",
            )
        if views[name].computed and not _aggregates(views[name]):
            writes = " (of on-demand views it takes those with write_to_online_store=True)"
            fix = (
                "Run feast.FeatureStore.materialize for it"
                f"{writes if views[name].kind == 'on_demand' else ''}, or write what it computes to"
                f" a dataset and let {name} read that."
            )
            raise Conflict(
                f"{name} computes its values.",
                "This verb copies values from a source; a transformation would be left out.",
                fix,
            )
        if not views[name].online or views[name].source is None:
            raise Conflict(
                f"{name} is not served online.",
                "Its definition says online=False, or it has no source.",
                "Set online=True and apply.",
            )
    return [views[name] for name in names]


def _aggregates(view: Definition) -> bool:
    return view.aggregated and view.source is not None
