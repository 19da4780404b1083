"""Rich displays: a record or a page at the end of a cell is shown as a card or a table."""

from __future__ import annotations

import json
from collections import UserDict
from collections.abc import Sequence
from typing import Any

from ..core.display import mimebundle
from ..core.records import Page, to_json
from ..faces.cards import Card
from ..faces.rows import is_shown, records
from .known import current_card

LARGEST = 20_000
"""The longest JSON of a record, in characters, that is stored with a saved notebook; a larger
record keeps only its facts and table.
"""


def bundle(value: Any, *, ref: str = "") -> dict[str, Any]:
    """The display bundle of a record, a page, or a list of records: a live card, static escaped
    HTML, and text. ref: what a list belongs to.
    """
    empty = isinstance(value, list) and not value
    card = current_card(value) or Card(title="Nothing found." if empty else type(value).__name__)
    title = (
        card.note
        if card.note.startswith(card.title)
        else " · ".join(filter(None, [card.title, card.note]))
    )
    return mimebundle(card.ref or ref, title, _stored(value), facts=card.facts, rows=card.rows)


def register(shell: Any) -> None:
    """Make a shell show records as cards."""
    formatter = shell.display_formatter.mimebundle_formatter
    for module, names in records().items():
        for name in names:
            formatter.for_type_by_name(module, name, bundle)


class Records[T](Sequence[T]):
    """A list of records that is shown as a table, and equals a list of the same records. Not a
    `list` or `UserList`, which IPython prints in its own way.
    """

    def __init__(self, items: Sequence[T]) -> None:
        self._items = list(items)

    def __len__(self) -> int:
        return len(self._items)

    def __getitem__(self, index: Any) -> Any:
        return Records(self._items[index]) if isinstance(index, slice) else self._items[index]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, list | Records) and self._items == list(other)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return str(self._repr_mimebundle_()["text/plain"])

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        return bundle(self._items)


class Facts(UserDict[str, Any]):
    """Values by name, shown one per line."""

    def __repr__(self) -> str:
        return str(self._repr_mimebundle_()["text/plain"])

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        from ..faces.words import plain

        return mimebundle(
            "", "answer", None, facts={name: plain(value) for name, value in self.items()}
        )


def _stored(value: Any) -> Any:
    if isinstance(value, Page):
        return [getattr(item, "ref", None) for item in value.items]
    if not is_shown(type(value)):
        return None
    plain = to_json(value)
    return plain if len(json.dumps(plain)) <= LARGEST else None
