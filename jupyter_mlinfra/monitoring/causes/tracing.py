"""From the training data of a model back through what it was made from."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from ...catalog import Catalog
from ...core.errors import MLInfraError
from ...core.records import every
from ...core.refs import Ref, reference
from ...features import Features
from ...jobs import Jobs
from ...pipelines import Pipelines
from .ancestry import parents
from .makers import Maker, maker_of
from .places import places_of
from .spec import CauseSource

if TYPE_CHECKING:
    from ...catalog import Snapshot
    from ...core.project import Project

MOST = 6
"""So many datasets are followed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """A dataset that may hold the column. before: when it was read, if no snapshot was recorded.
    first: the training data itself, which is also shown without the column.
    """

    dataset: Ref
    column: str
    how: str
    before: datetime
    view: str = ""
    first: bool = False


class Tracer:
    """Follows lineage in one project. Nothing is run, and nothing is changed."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._catalog, self._features = Catalog(project), Features(project)
        self._jobs = Jobs(project)
        self._pipelines = Pipelines(project, self._jobs)

    def sources(self, datasets: Sequence[Ref], column: str, read_at: datetime) -> list[CauseSource]:
        """The datasets with the column, nearest to the model first, at most `MOST`. datasets: what
        a run has named as its data, read at that time at the latest.
        """
        todo = deque(
            _Asked(dataset=ref, column=column, how="trained on it", before=read_at, first=True)
            for ref in datasets
        )
        seen, found = set[tuple[str, str]](), list[CauseSource]()
        while todo and len(found) < MOST:
            asked = todo.popleft()
            key = asked.dataset.name, asked.column
            if key in seen:
                continue
            seen.add(key)
            source, more = self._source(asked)
            if source is not None:
                found.append(source)
                todo.extend(more)
        # A run may name other data too, such as held-out rows without the features.
        fitting = [item for item in found if item.at is not None]
        return fitting or found

    def _source(self, asked: _Asked) -> tuple[CauseSource | None, list[_Asked]]:
        name = asked.dataset.name
        unknown = CauseSource(dataset=str(asked.dataset), column="", how=asked.how)
        try:
            kept = list(every(self._catalog.snapshots, name=name))
            place, why = _snapshot(kept, asked)
            if place is None:
                return replace(unknown, reasons=[why]), []
            snapshot = kept[place]
            columns = [item.name for item in self._catalog.show(f"{name}@{snapshot.id}").schema]
        except MLInfraError as error:
            return replace(unknown, reasons=[str(error)]), []
        if asked.column not in columns:
            why = f"{name} has no column {asked.column}: it was made or renamed before training."
            return (replace(unknown, reasons=[why]), []) if asked.first else (None, [])
        ref = Ref("dataset", asked.dataset.parts, snapshot.id)
        maker = maker_of(snapshot.written_by, self._jobs, self._pipelines)
        entities, trouble = self._entities(asked.view)
        places = places_of(maker, asked.column, name, jobs=self._jobs, root=self._project.root)
        source = CauseSource(
            dataset=str(ref),
            column=reference("column", name, asked.column),
            how=asked.how,
            at=snapshot.at,
            newer=place,
            view=asked.view,
            entities=entities,
            written_by=snapshot.written_by,
            places=places.items,
            named=places.named,
            reasons=[text for text in (why, *maker.reasons, *places.reasons, trouble) if text],
            **_facts(maker),
        )
        return source, self._made_from(ref, snapshot, asked.column)

    def _made_from(self, ref: Ref, snapshot: Snapshot, column: str) -> list[_Asked]:
        edges = self._project.lineage.edges()
        return [
            _Asked(
                dataset=parent.dataset,
                column=parent.column,
                how=(
                    f"source of {parent.view}"
                    if parent.view
                    else f"{ref.name} was made from it, and it has a column of that name"
                ),
                before=datetime.fromisoformat(parent.at),
                view=parent.view,
            )
            for parent in parents(edges, ref, snapshot.written_by, column, at=snapshot.at)
        ]

    def _entities(self, view: str) -> tuple[Sequence[str], str]:
        if not view:
            return (), ""
        try:
            return self._features.show(Ref.parse(view).name).view.entities, ""
        except MLInfraError as error:
            return (), f"The entities of {view} are not known: {error}"


def _snapshot(kept: Sequence[Snapshot], asked: _Asked) -> tuple[int | None, str]:
    """The place of a snapshot among those that are kept, newest first, and what is uncertain about
    it; None if it is not kept.
    """
    if asked.dataset.at is not None:
        for place, item in enumerate(kept):
            if item.id == asked.dataset.at:
                return place, ""
        return None, f"Its snapshot {asked.dataset.at} is no longer kept."
    for place, item in enumerate(kept):
        if item.at <= asked.before:
            return place, (
                "Which snapshot was read is not recorded:"
                f" this is the newest of {asked.before:%Y-%m-%d %H:%M:%S} UTC."
            )
    return None, "No snapshot from before it was read is kept."


def _facts(maker: Maker) -> dict[str, str]:
    step = maker.pipeline and maker.step
    later = maker.later
    return {
        "pipeline": reference("pipeline", maker.pipeline) if maker.pipeline else "",
        "step": reference("step", maker.pipeline, maker.step) if step else "",
        "run": maker.run,
        "job": reference("job", maker.job) if maker.job else "",
        "notebook": maker.notebook,
        "executed": maker.executed,
        "later_run": later[0].run if later else "",
        "later_executed": (later[1].notebook or "") if later else "",
        "later_why": (later[1].detail or later[1].reason).partition("\n")[0] if later else "",
    }
