"""The card of a record: a title, the facts worth reading, a small table."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..core.records import Page
from .rows import METRICS, Row, form_of, load_faces, metrics_of, noun_of, row_of, rows_of
from .words import NONE, beginning, counted


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """What a record shows. ref: empty for a list. note: what is left out, and how to get it."""

    title: str
    ref: str = ""
    facts: Mapping[str, str] = field(default_factory=dict)
    rows: Sequence[Row] = ()
    note: str = ""


_makers: dict[type, tuple[Callable[..., Card], bool]] = {}


def card[T](
    kind: type[T], *, measured: bool = False
) -> Callable[[Callable[..., Card]], Callable[..., Card]]:
    """Make a function the card of a record; one that has none is shown by its row. measured: the
    function takes the metric that matters most.
    """

    def register(make: Callable[..., Card]) -> Callable[..., Card]:
        _makers[kind] = make, measured
        return make

    return register


def card_of(value: Any, *, first: str = "") -> Card | None:
    """The card of a record, a page or a list of records; None for anything else. first: the metric
    that matters most in a list of runs.
    """
    kind: type = type(value)
    load_faces(kind)
    if kind in _makers:
        make, measured = _makers[kind]
        return make(value, first) if measured else make(value)
    if form_of(kind) is not None:
        return from_row(value)
    if isinstance(value, list) and value and form_of(type(value[0])) is not None:
        return Card(
            title=counted(len(value), noun_of(value[0])),
            rows=rows_of(value, first=first),
            note=left_out(value, first),
        )
    return None


@card(Page, measured=True)
def from_page(page: Page[Any], first: str = "") -> Card:
    """The card of a list."""
    if not page.items:
        return Card(
            title="Nothing found." if page.total == 0 else "Nothing on this page.", note=page.note
        )
    total = counted(page.total, noun_of(page.items[0]))
    shown = (total if page.shown == page.total else f"{page.shown:,} of {total}") + (
        " or more" if page.more else ""
    )
    notes = [
        f"{shown}; more with cursor {page.cursor}" if page.cursor else "",
        left_out(page.items, first),
        page.note,
    ]
    return Card(
        title=shown, rows=rows_of(page.items, first=first), note="; ".join(filter(None, notes))
    )


def left_out(items: Sequence[Any], first: str) -> str:
    """The metrics for which the table has no column."""
    left = metrics_of(items, first=first)[METRICS:]
    return f"{counted(len(left), 'more metric')}: {beginning(', '.join(left), 100)}" if left else ""


def from_row(value: Any) -> Card:
    """The card of a record that has a row alone."""
    facts = dict(row_of(value))
    title = facts.pop(next(iter(facts)))
    return Card(title=title, ref=getattr(value, "ref", ""), facts=said(facts))


def said(facts: Mapping[str, str]) -> dict[str, str]:
    """Facts without those that say nothing."""
    return {name: text for name, text in facts.items() if text != NONE}
