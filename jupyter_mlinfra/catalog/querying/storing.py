"""An answer that becomes a dataset: what it was made from, and what of it stays masked."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ...core.errors import Forbidden
from .answers import Found
from .columns import Source, sources

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """inputs: references with snapshots. columns: for each column of which it is known, the inputs
    and their columns from which it was made. personal: columns with personal data.
    """

    inputs: Sequence[str] = ()
    columns: Mapping[str, Sequence[tuple[str, str]]] = field(default_factory=dict)
    personal: Collection[str] = ()


def made(found: Found) -> Made:
    """What an answer was made from. Raises Forbidden if it has something in place of values that
    were masked.
    """
    told = _sources(found)
    hidden = {(*table.place, name) for table in found.inputs for name in table.hidden}
    _check_values(found, told, hidden)
    revealed = {(*table.place, name) for table in found.inputs for name in table.revealed}
    refs = {table.place: table.ref for table in found.inputs}
    return Made(
        inputs=sorted(set(refs.values())),
        columns={
            column: [(refs[schema, table], name) for schema, table, name in triples]
            for column, triples in (told or {}).items()
        },
        personal=[column for column in found.frame.columns if _may_be(column, told, revealed)],
    )


_Told = Mapping[str, Sequence[Source]] | None


def _sources(found: Found) -> _Told:
    """What `columns.sources` tells, with the names that the datasets have."""
    spelled = found.spelled
    told = sources(
        found.text,
        {
            table.place: [spelled.numbered([name]).get(name, name) for name in table.columns]
            for table in found.inputs
        },
        found.frame.columns,
    )
    return told and {
        column: [(schema, table, spelled.plain(name)) for schema, table, name in triples]
        for column, triples in told.items()
    }


def _may_be(column: str, told: _Told, sought: Collection[Source]) -> bool:
    """Whether a column may have been made from one of these; one that is not known may have."""
    if told is None or column not in told:
        return bool(sought)
    return not set(sought).isdisjoint(told[column])


def _check_values(found: Found, told: _Told, hidden: Collection[Source]) -> None:
    masked = [
        values.name
        for values in found.frame
        if values.name in found.masked
        or (not _only_counts(values.dtype) and _may_be(values.name, told, hidden))
    ]
    if masked:
        raise Forbidden(
            f"The answer was not written: {masked[0]!r} may hold values that are masked.",
            "They come from a column with personal data (tag pii). Without its values only how many"
            " there are, and whether there is one, can be written.",
            "Leave that out, or, if you have that right, write the values, which stay masked in the"
            " new dataset: --reveal (in Python reveal=True).",
        )


def _only_counts(dtype: pl.DataType) -> bool:
    """Whether a column can be a number of values, or whether there is one."""
    import polars as pl

    return dtype in (pl.Int64, pl.Boolean)
