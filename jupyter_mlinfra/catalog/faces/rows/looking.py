"""Statistics of columns."""

from __future__ import annotations

from typing import Any

from ....core.records import Basis, Number
from ....faces.cards import Card, card, said
from ....faces.rows import Row, row
from ....faces.words import beginning, counted, datum, number, plain, share, span
from ...spec import Certainty, ColumnProfile, Profile

_BASES: dict[Certainty, Basis] = {"exact": "exact", "approximate": "approx", "sample": "sample"}


@row(ColumnProfile)
def column_profile(item: ColumnProfile) -> Row:
    return {
        "type": item.type,
        "nulls": number(_figure(item, "nulls", item.nulls)),
        "distinct": number(_figure(item, "distinct", item.distinct)),
        "min": beginning(datum(_figure(item, "min", item.min)), 24),
        "mean": beginning(number(_figure(item, "mean", item.mean)), 24),
        "std": beginning(number(_figure(item, "std", item.std)), 24),
        "median": beginning(datum(_figure(item, "quantiles", item.quantiles.get("0.5"))), 24),
        "max": beginning(datum(_figure(item, "max", item.max)), 24),
        "top": beginning(_top(item, None), 24),
    }


@card(Profile)
def _profile(item: Profile) -> Card:
    facts = {
        "rows": plain(item.rows),
        "tier": item.tier,
        "snapshot": plain(item.snapshot),
        "read": counted(item.files_read, "file"),
        "took": span(item.seconds),
    }
    return Card(
        title=f"profile of {item.ref.partition(':')[2]}",
        ref=item.ref,
        facts=said(facts),
        rows=[_row_of(name, column, item.rows) for name, column in item.columns.items()],
    )


def _row_of(name: str, column: ColumnProfile, rows: int | None) -> Row:
    """The line of a column in the card of a profile: missing and frequent values as shares."""
    rows = column.sample if rows is None else rows
    line = {"column": name, **column_profile(column), "top": beginning(_top(column, rows), 24)}
    line["nulls"] = share(_figure(column, "nulls", _part(column.nulls, rows)))
    return {"missing" if key == "nulls" else key: text for key, text in line.items()}


def _part(count: int | None, rows: int | None) -> float | None:
    return None if count is None or rows is None else count / rows if rows else 0.0


def _top(column: ColumnProfile, rows: int | None) -> str:
    """The most frequent value, with its share of `rows` if that is known."""
    if not column.top:
        return plain(None)
    value, count = column.top[0]
    many = f"{100 * count / rows:.1f} %" if rows else f"{count:,}"
    return number(_figure(column, "top", f"{datum(value)} {many}"))


def _figure(column: ColumnProfile, key: str, value: Any) -> Number:
    basis = column.basis.get(key, "exact")
    error = column.errors.get(key)
    return Number(value=value, basis=_BASES[basis], n=column.sample, error=error)
