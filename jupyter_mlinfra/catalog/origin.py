"""What the rows of a frame were made from, as far as its plan tells."""

from __future__ import annotations

import logging
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ..core.lineage import Traced, plain

if TYPE_CHECKING:
    from ..core.frames import Frame
    from ..core.project import Project

_NAMED = 5
_log = logging.getLogger(__name__)


def origin_of(frame: Frame, root: Path) -> Traced:
    """The datasets and files that a lazy frame scans, and the columns of these that its own are
    made of. Of any other frame nothing is known. root: of the project that it is written in.
    """
    import polars as pl

    from ..core.lineage.plans import traced
    from .scanned import scans

    if not isinstance(frame, pl.LazyFrame):
        return Traced()
    try:
        return traced(frame, lambda leaf: scans.ref_of(leaf, root))
    except Exception:  # noqa: BLE001 no write fails for want of lineage
        _log.exception("The plan of a frame was not read; its lineage is not recorded.")
        return Traced()


def joined(inputs: Sequence[str], found: Traced) -> list[str]:
    """What the writer named and what the plan scans. An input without a version gives way to the
    version that was scanned.
    """
    versions = {plain(ref) for ref in found.inputs if "@" in ref}
    return [*dict.fromkeys([*(ref for ref in inputs if ref not in versions), *found.inputs])]


def inherited(project: Project, found: Traced) -> frozenset[str]:
    """The columns of a frame that are made of columns with personal data (tag `pii`); one that is
    not traced may be.
    """
    from .personal import personal_columns

    prefix = "dataset:"
    names = {ref: plain(ref).removeprefix(prefix) for ref in found.inputs if ref.startswith(prefix)}
    tagged = personal_columns(project, set(names.values())) if names else {}
    sought = {(ref, column) for ref, name in names.items() for column in tagged.get(name, ())}
    if not sought:
        return frozenset()
    made = {column for column, sources in found.columns.items() if not sought.isdisjoint(sources)}
    return frozenset(made | found.untraced.keys())


def notes(found: Traced, personal: Collection[str]) -> list[str]:
    """Lines about the columns whose origin is not known, if that of the rows is, and about those
    that are tagged for theirs.
    """
    if not found.inputs:
        return []
    by_reason: dict[str, list[str]] = {}
    for column, why in found.untraced.items():
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
