"""What a snapshot of a dataset was made from, by the edges of lineage."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from ...core.errors import BadRequest
from ...core.lineage import Edge
from ...core.refs import Ref

TRAINING_SET = "features.training_set"
APPLIED = "features.apply"


@dataclass(frozen=True, slots=True)
class Parent:
    """A dataset that may hold the column too. view: whose feature it is, empty if it was read
    directly. at: when it was read at the latest, ISO 8601. column: its name there.
    """

    dataset: Ref
    column: str
    view: str
    at: str


def parents(
    edges: Sequence[Edge], dataset: Ref, written_by: str, column: str, *, at: datetime
) -> list[Parent]:
    """Datasets that a snapshot was made from: the source of the view that the column is a feature
    of, if its writer has asked for that feature, else every dataset that was named as its input.

    at: when it was committed, in UTC; whatever it was made from was read before.
    """
    before = at.isoformat()
    made = [edge for edge in edges if edge.output == str(dataset)]
    if not made and not written_by.startswith(("notebook:", "user:")):
        made = _of_step(edges, str(Ref(dataset.kind, dataset.parts)), before)
    views = {edge.input.partition("@")[0] for edge in made if edge.input.startswith("view:")}
    by_view = _of_views(edges, views, written_by, column, before=before)
    if by_view:
        return by_view
    found: dict[str, Parent] = {}
    for edge in made:
        ref = _dataset(edge.input)
        if ref is not None and ref.parts != dataset.parts:
            found[edge.input] = Parent(ref, column, "", before)
    return list(found.values())


def _of_step(edges: Sequence[Edge], output: str, committed: str) -> list[Edge]:
    """What a step says of an output, without its snapshot: that it may be made from all that the
    step takes. It says so at its end, so the first event since the commit is the one about it.
    """
    since = [edge for edge in edges if edge.output == output and edge.at >= committed]
    return [edge for edge in since if (edge.job, edge.at) == (since[0].job, since[0].at)]


def _of_views(
    edges: Sequence[Edge], views: set[str], written_by: str, column: str, *, before: str
) -> list[Parent]:
    """The sources of the views that have the column as a feature, among those that the dataset was
    made from, or, if it names none, that its writer has asked; as of the newest time before the
    commit that its writer did, or, if it never has, that anybody did.
    """
    maker = written_by.partition("#")[0]
    known = maker.startswith(("job:", "notebook:"))
    found: dict[str, Parent] = {}
    own = set[str]()
    for edge in edges:
        if edge.job != TRAINING_SET or not edge.input.startswith("feature:"):
            continue
        ref = _parsed(edge.input)
        if ref is None or len(ref.parts) != 2 or edge.at > before:
            continue
        view, name = ref.parts
        view_ref = str(Ref("view", (view,)))
        asked = known and edge.output.partition("#")[0] == maker
        if column not in (name, f"{view}__{name}") or view_ref not in (
            views or ([view_ref] if asked else [])
        ):
            continue
        source = _source_of(edges, view_ref, edge, pinned=asked)
        if source is not None and (asked or view_ref not in own):
            found[view_ref] = Parent(source, name, view_ref, edge.at)
            own |= {view_ref} if asked else set()
    return list(found.values())


def _source_of(edges: Sequence[Edge], view: str, asked: Edge, *, pinned: bool) -> Ref | None:
    """What was read for a view: the dataset of the last `apply` before. pinned: at the snapshot
    that was read then.
    """
    applied = [
        edge.input
        for edge in edges
        if edge.job == APPLIED and edge.output == view and edge.at <= asked.at
    ]
    source = _dataset(applied[-1]) if applied else None
    if source is None or not pinned:
        return source
    read = [
        ref
        for edge in edges
        if edge.at == asked.at and edge.output == asked.output
        if (ref := _dataset(edge.input)) and ref.parts == source.parts
    ]
    return read[-1] if read else source


def _dataset(text: str) -> Ref | None:
    ref = _parsed(text) if text.startswith(("dataset:", "column:")) else None
    if ref is not None and ref.kind == "column":
        return Ref("dataset", ref.parts[:1], ref.at)
    return ref


def _parsed(text: str) -> Ref | None:
    try:
        return Ref.parse(text)
    except BadRequest:
        return None
