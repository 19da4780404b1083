"""One row of a list, for each record: the columns that its list has in every face.

A domain registers its rows in modules that its declaration names; they are loaded with the first of
its records.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Any

from ..core.domains import domains
from .words import plain

Row = Mapping[str, str]

METRICS = 5
"""Columns of metrics in a list; a run may have hundreds."""
COMMON: Mapping[str, Sequence[str]] = {
    "jupyter_mlinfra.core.lineage": ("Edge",),
    "jupyter_mlinfra.core.records": ("Page",),
    "jupyter_mlinfra.core.search.documents": ("Hit", "HitPage"),
    "jupyter_mlinfra.core.targets": ("TargetCheck",),
}
"""Records of no domain alone that have a row or a card, by module."""


@dataclass(frozen=True, slots=True)
class _Form:
    make: Callable[..., Row]
    noun: str
    measured: bool


_forms: dict[type, _Form] = {}


def row[T](
    kind: type[T], *, noun: str = "", measured: bool = False
) -> Callable[[Callable[..., Row]], Callable[..., Row]]:
    """Make a function the row of a record. noun: what a list is of; default: its first column.
    measured: the record has `metrics`, and the function takes the names of those to show.
    """

    def register(make: Callable[..., Row]) -> Callable[..., Row]:
        _forms[kind] = _Form(make, noun, measured)
        return make

    return register


def form_of(kind: type) -> _Form | None:
    """How rows of a record are made; None for what has none."""
    load_faces(kind)
    return _forms.get(kind)


@cache
def records() -> Mapping[str, Sequence[str]]:
    """Names of the classes that have a row or a card, by module; none of them is imported."""
    found = {module: [*names] for module, names in COMMON.items()}
    for item in domains():
        for module, names in item.records.items():
            found.setdefault(module, []).extend(names)
    return found


def is_shown(kind: type) -> bool:
    """Whether a record has a row or a card."""
    return kind.__name__ in records().get(kind.__module__, ())


@cache
def load_faces(kind: type) -> None:
    """Load what registers the rows and cards of a record's domain."""
    if kind.__name__ in COMMON.get(kind.__module__, ()):
        import_module(f"{__package__}.common")
    for item in domains():
        if kind.__name__ in item.records.get(kind.__module__, ()):
            for module in item.shown:
                import_module(module)


def row_of(item: Any, metrics: Sequence[str] = ()) -> Row:
    """The row of a record, with these metrics where it has any; of another value, the value."""
    form = form_of(type(item))
    if form is None:
        return {"value": plain(item)}
    return form.make(item, metrics) if form.measured else form.make(item)


def rows_of(items: Iterable[Any], *, first: str = "") -> list[Row]:
    """Rows of one table: every row has the columns of all, in order of appearance. first: the
    metric that matters most.
    """
    items = list(items)
    metrics = metrics_of(items, first=first)[:METRICS]
    rows = [row_of(item, metrics) for item in items]
    names = list(dict.fromkeys(name for row in rows for name in row))
    return [{name: row.get(name, plain(None)) for name in names} for row in rows]


def metrics_of(items: Sequence[Any], *, first: str = "") -> list[str]:
    """The metrics of runs or versions: `first` and its kin (test_… for test_auc), then those that
    most have.
    """
    counts = Counter(
        name
        for item in items
        if (form := form_of(type(item))) is not None and form.measured
        for name in item.metrics
    )
    kin = first.partition("_")[0]
    return sorted(
        counts, key=lambda name: (name != first, name.partition("_")[0] != kin, -counts[name], name)
    )


def noun_of(item: Any) -> str:
    """What a list of such records is of."""
    form = form_of(type(item))
    return (form.noun if form is not None else "") or next(iter(row_of(item)))
