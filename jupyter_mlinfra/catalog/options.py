"""Which sources take which reading options: one that none of them takes is refused, not ignored."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal

from ..core.errors import BadRequest
from .reading import Reading

type Kind = Literal["csv", "json", "parquet", "arrow", "excel"]
type Source = Kind | Literal["database"]

_TAKEN_BY: Mapping[str, tuple[Source, ...]] = {
    "encoding": ("csv", "json"),
    "header": ("csv",),
    "separator": ("csv",),
    "skip": ("csv", "excel"),
    "comment": ("csv",),
    "quote": ("csv",),
    "decimal": ("csv", "database"),
    "thousands": ("csv", "database"),
    "date_format": ("csv", "json", "excel", "database"),
    "null_values": ("csv", "json", "parquet", "arrow", "excel"),
    "row_names": ("csv",),
    "sheet": ("excel",),
    "rows": ("json",),
}
"""The other options are for all."""
_WORDS: Mapping[Source, str] = {
    "csv": "CSV",
    "json": "JSON",
    "parquet": "Parquet",
    "arrow": "Arrow",
    "excel": "workbooks",
    "database": "tables of databases",
}


def refuse_unused(reading: Reading, kinds: Iterable[Source]) -> None:
    """Raise BadRequest for an option that is set and that no source of these kinds takes."""
    given, plain = set(kinds), Reading()
    for option, takers in _TAKEN_BY.items():
        if getattr(reading, option) == getattr(plain, option) or given & set(takers):
            continue
        flag = {"null_values": "null"}.get(option, option).replace("_", "-")
        raise BadRequest(
            f"Nothing that is read here takes --{flag}.",
            f"It is for {_listed(takers)}; this is {_listed(sorted(given))}.",
            f"Leave it out (in Python {option}).",
        )


def refuse_in_place(reading: Reading, kind: str) -> None:
    """Raise BadRequest for an option of reading that is set, for files that are read in place and
    whose values have types: they are read as they are.
    """
    plain = Reading()
    for option in (*_TAKEN_BY, "time_zone", "types", "max_bad", "union"):
        if getattr(reading, option) != getattr(plain, option):
            raise BadRequest(
                f"Nothing that is read here takes {option}.",
                f"{kind.capitalize()} that is registered in place is read as it is.",
                "Leave it out, or ingest the files.",
            )


def _listed(kinds: Iterable[Source]) -> str:
    *others, last = (_WORDS[kind] for kind in kinds)
    return f"{', '.join(others)} and {last}" if others else last
