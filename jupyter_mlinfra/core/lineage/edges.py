"""Edges of lineage: what was made from what, whole objects and columns."""

from __future__ import annotations

import json
import sys
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

UNTRACED = "untraced"
"""Fact of an event: columns of its outputs of which it is not known what they were made from."""

TOLD = "told"
"""Fact of an event: endpoints that know the same from another program, so it is not sent there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """`output` was made from `input` by `job`. All three are references; at: ISO 8601 in UTC.

    columns: columns of the input, each with a column of the output whose values were made from it.
    untraced: columns of the output of which nobody knows what they were made from; None if that is
    so of all.
    """

    input: str
    output: str
    job: str
    at: str
    columns: Sequence[tuple[str, str]] = ()
    untraced: Sequence[str] | None = None


@dataclass(frozen=True, slots=True)
class Traced:
    """What a plan tells. inputs: what is scanned, by its references. columns: for each column that
    is known, inputs and their columns of which its values are made; none for a constant. untraced:
    for each other column, why it is not known. personal: columns that hold personal data, as the
    maker of the rows knows. unread: whether nothing of the plan could be read.

    A column is made of all that its expression names. What only chooses or orders rows outside of
    it (filters, keys of joins and groups, sorting) does not count.
    """

    inputs: Sequence[str] = ()
    columns: Mapping[str, Sequence[tuple[str, str]]] = field(default_factory=dict)
    untraced: Mapping[str, str] = field(default_factory=dict)
    personal: frozenset[str] = frozenset()
    unread: bool = False


def parsed(lines: bytes) -> Iterator[Edge]:
    """The edges of whole lines; what is torn or no event of ours is passed over."""
    for line in lines.splitlines():
        try:
            event = json.loads(line)
            if event.get("eventType", "COMPLETE") != "COMPLETE":
                continue
            job, at = sys.intern(event["job"]["name"]), event["eventTime"]
            found = [
                Edge(
                    input=sys.intern(source["name"]),
                    output=sys.intern(target["name"]),
                    job=job,
                    at=at,
                    columns=tuple(told.get(source["name"], ())),
                    untraced=_untraced(event, target),
                )
                for target in event["outputs"]
                for told in (_columns(target),)
                for source in event["inputs"]
            ]
        except (ValueError, KeyError, TypeError, AttributeError):
            continue
        yield from found


def _columns(target: Mapping[str, Any]) -> Mapping[str, Sequence[tuple[str, str]]]:
    """What the facet `columnLineage` of an output says, by input."""
    found = dict[str, list[tuple[str, str]]]()
    if "facets" not in target:  # as most
        return found
    for column, told in target["facets"].get("columnLineage", {}).get("fields", {}).items():
        for item in told["inputFields"]:
            pair = (sys.intern(item["field"]), sys.intern(column))
            found.setdefault(item["name"], []).append(pair)
    return found


def _untraced(event: Mapping[str, Any], target: Mapping[str, Any]) -> tuple[str, ...] | None:
    """The columns of an output of which the event does not know what they were made from."""
    if "columnLineage" not in target.get("facets", ()):
        return None
    told = event.get("run", {}).get("facets", {}).get("mlinfra", {}).get(UNTRACED, ())
    return tuple(map(sys.intern, told))


def plain(ref: str) -> str:
    """The object without its version."""
    return ref.partition("@")[0]


def walk(edges: Sequence[Edge], start: str, *, forward: bool) -> list[Edge]:
    """The edges that can be reached from `start`, nearest first; of edges between the same two
    objects, the newest.
    """
    by_near = dict[str, list[Edge]]()
    for edge in edges:
        by_near.setdefault(plain(edge.input if forward else edge.output), []).append(edge)
    reached, todo, found = {start}, deque([start]), dict[tuple[str, str], Edge]()
    while todo:
        for edge in by_near.get(todo.popleft(), ()):
            found[edge.input, edge.output] = edge
            far = plain(edge.output if forward else edge.input)
            if far not in reached:
                reached.add(far)
                todo.append(far)
    return list(found.values())


def walk_column(edges: Sequence[Edge], start: str, column: str, *, forward: bool) -> list[Edge]:
    """As `walk`, of one column: each edge has only the columns that belong to it.

    Where an edge does not tell of the column, its way goes on over objects that have none (runs,
    models, deployments) and ends at the next table, of which nobody knows the column.
    """
    by_near = dict[str, list[Edge]]()
    for edge in edges:
        by_near.setdefault(plain(edge.input if forward else edge.output), []).append(edge)
    near, far = (0, 1) if forward else (1, 0)
    todo = deque[tuple[str, str | None]]([(start, column)])
    reached, found = {todo[0]}, dict[tuple[str, str], Edge]()
    while todo:
        place, name = todo.popleft()
        for edge in _edges_at(by_near, place, name):
            pairs = [pair for pair in edge.columns if pair[near] == name]
            if name is not None and not pairs and _tells(edge, name, forward=forward):
                continue
            known = found.get((edge.input, edge.output))
            told = dict.fromkeys((*(known.columns if known else ()), *pairs))
            found[edge.input, edge.output] = replace(edge, columns=tuple(told))
            other = plain(edge.output if forward else edge.input)
            ways: list[tuple[str, str | None]] = [(other, pair[far]) for pair in pairs]
            if not pairs and other.partition(":")[0] not in _TABLES:
                ways = [(other, None)]
            for way in ways:
                if way not in reached:
                    reached.add(way)
                    todo.append(way)
    return list(found.values())


def _tells(edge: Edge, column: str, *, forward: bool) -> bool:
    """Whether an edge tells all that was made of a column of its input, or of what a column of its
    output was made.
    """
    if edge.untraced is None:
        return bool(edge.columns)
    return not edge.untraced if forward else column not in edge.untraced


_TABLES = frozenset({"dataset", "view", "feature"})
"""Kinds of what has columns."""


def _edges_at(
    by_near: Mapping[str, Sequence[Edge]], place: str, name: str | None
) -> Sequence[Edge]:
    """The edges at a column, or at a whole object. An event that names features of a view beside
    the view tells so which of its columns it read.
    """
    found = by_near.get(place, ())
    kind, _, view = place.partition(":")
    if kind != "view" or name is None:
        return found
    of_view = f"feature:{view}:"
    told = {
        (edge.job, edge.output, edge.at)
        for ref, edges in by_near.items()
        if ref.startswith(of_view)
        for edge in edges
    }
    others = [edge for edge in found if (edge.job, edge.output, edge.at) not in told]
    return [*others, *by_near.get(f"{of_view}{name}", ())]
