"""What the rows of a frame were made from, as far as its plan tells."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ..core.lineage import Traced, plain

if TYPE_CHECKING:
    from ..core.frames import Frame
    from ..core.lineage.plan_nodes import Leaf
    from ..core.project import Project

_NAMED = 5
_MADE = "made:"
_log = logging.getLogger(__name__)


def origin_of(frame: Frame, root: Path) -> Traced:
    """The datasets and files that a lazy frame scans, and the columns of these that its own are
    made of; of rows that a function makes, what their maker tells. Of any other frame nothing is
    known. root: of the project that it is written in.
    """
    import polars as pl

    from ..core.lineage.plans import traced
    from .scanned import scans

    if not isinstance(frame, pl.LazyFrame):
        return Traced()
    made = dict[str, Traced]()

    def ref_of(leaf: Leaf) -> str | None:
        if (told := scans.told_of(leaf)) is None:
            return scans.ref_of(leaf, root)
        rows, others = told()
        made[ref := f"{_MADE}{len(made)}"] = _with_rows(others, origin_of(rows, root))
        return ref

    try:
        return _expanded(traced(frame, ref_of), made)
    except Exception:  # noqa: BLE001 no write fails for want of lineage
        _log.exception("The plan of a frame was not read; its lineage is not recorded.")
    names = list[str]()
    with contextlib.suppress(Exception):  # then the write fails too
        names = frame.collect_schema().names()
    return Traced(untraced=dict.fromkeys(names, "its plan could not be read"), unread=True)


def _with_rows(others: Traced, rows: Traced) -> Traced:
    """The origin of rows with these columns of a frame, and others; one from memory has none."""
    from ..core.lineage.plan_nodes import MADE_IN_MEMORY

    unknown = {name: why for name, why in rows.untraced.items() if why != MADE_IN_MEMORY}
    return replace(
        others,
        inputs=[*dict.fromkeys([*rows.inputs, *others.inputs])],
        columns={**rows.columns, **others.columns},
        untraced={**unknown, **others.untraced},
        personal=others.personal | rows.personal,
        unread=rows.unread,
    )


def _expanded(found: Traced, made: Mapping[str, Traced]) -> Traced:
    """What is made of rows whose maker told their origin has that origin."""
    if not made:
        return found
    inputs = [new for ref in found.inputs for new in (made[ref].inputs if ref in made else [ref])]
    columns, untraced = dict[str, Sequence[tuple[str, str]]](), dict(found.untraced)
    personal = set[str](found.personal)
    for name, sources in found.columns.items():
        told = [(made[ref], column) for ref, column in sources if ref in made]
        if any(column in origin.personal for origin, column in told):
            personal.add(name)
        if why := [item.untraced[column] for item, column in told if column in item.untraced]:
            untraced[name] = why[0]
            continue
        pairs = {pair for origin, column in told for pair in origin.columns.get(column, ())}
        pairs |= {(ref, column) for ref, column in sources if ref not in made}
        if pairs or not told:
            columns[name] = sorted(pairs)
    if any(item.personal for item in made.values()):
        personal |= untraced.keys()
    return Traced(
        [*dict.fromkeys(inputs)],
        columns,
        untraced,
        frozenset(personal),
        any(item.unread for item in made.values()),
    )


def joined(inputs: Sequence[str], found: Traced) -> list[str]:
    """What the writer named and what the plan scans. An input without a version gives way to the
    version that was scanned.
    """
    versions = {plain(ref) for ref in found.inputs if "@" in ref}
    return [*dict.fromkeys([*(ref for ref in inputs if ref not in versions), *found.inputs])]


def inherited(project: Project, found: Traced) -> frozenset[str]:
    """The columns of a frame that are made of columns with personal data (tag `pii`); one that is
    not traced may be. Of a plan that cannot be read any may be, if the project has such data.
    """
    from .personal import any_personal, personal_columns

    if found.unread and any_personal(project):
        return found.personal | found.untraced.keys()

    prefix = "dataset:"
    names = {ref: plain(ref).removeprefix(prefix) for ref in found.inputs if ref.startswith(prefix)}
    tagged = personal_columns(project, set(names.values()), dropped=True) if names else {}
    sought = {(ref, column) for ref, name in names.items() for column in tagged.get(name, ())}
    if not sought:
        return found.personal
    made = {column for column, sources in found.columns.items() if not sought.isdisjoint(sources)}
    return found.personal | made | found.untraced.keys()


def notes(found: Traced, personal: Collection[str]) -> list[str]:
    """Lines about the columns whose origin is not known, unless all is from memory, and about those
    that are tagged for theirs.
    """
    from ..core.lineage.plan_nodes import MADE_IN_MEMORY

    by_reason: dict[str, list[str]] = {}
    for column, why in found.untraced.items():
        if found.inputs or why != MADE_IN_MEMORY:
            by_reason.setdefault(why, []).append(column)
    lines = [f"Lineage: {_listed(columns)} not traced: {why}" for why, columns in by_reason.items()]
    if personal:
        made = "made, or may be, of columns with personal data"
        lines.append(f"Tagged pii: {_listed(sorted(personal))} {made}")
    return lines


def _listed(columns: Sequence[str]) -> str:
    shown = ", ".join(columns[:_NAMED])
    more = len(columns) - _NAMED
    if more > 0:
        return f"columns {shown} and {more:,} more are"
    return f"columns {shown} are" if len(columns) > 1 else f"column {shown} is"
