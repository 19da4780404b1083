"""Names of datasets and columns: the one place where text becomes something that touches a file or
a statement.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from ..core.errors import BadRequest, Unprocessable
from ..core.frames import is_pattern
from ..core.refs import decoded, reference

# No slash, quote, blank, control character or `--` can pass: a part becomes a folder of the
# warehouse and a word in SQL.
_PART = r"(?=[^.@]{1,127}(?:[.@]|\Z))[A-Za-z_][A-Za-z0-9_]*(?:-[A-Za-z0-9_]+)*"
_AT = r"(\d{1,19})(?:\.(\d{1,9}))?"
TAG = r"[A-Za-z_][A-Za-z0-9_.-]{0,127}"
"""A tag or branch of a dataset."""
_MOMENT = r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?(?:Z|[+-]\d\d:\d\d)?)?"
_WORD = rf"{TAG}|{_MOMENT}"
_NAME = re.compile(rf"(?:dataset:)?({_PART}(?:\.{_PART})*)\.({_PART})(?:@(?:{_AT}|({_WORD})))?\Z")
_REFERENCE = re.compile(
    rf"dataset:(?P<space>[\w.~!*'()%-]+)\.(?P<table>[\w~!*'()%-]+)(?:@(?:{_AT}|({_WORD})))?\Z",
    re.ASCII,
)
_SNAPSHOT = re.compile(rf"(?:{_AT}|({_WORD}))\Z")
_RULE = (
    "A name is NAMESPACE.TABLE of a to z (also A to Z), digits, `_` and `-`, each part beginning"
    " with a letter."
)
_MAX_COLUMN_LENGTH = 255
_SHOWN = 3
_JOINER = re.compile(r"(?<=[^\0-\x7f\u200c\u200d])[\u200c\u200d](?=[^\0-\x7f\u200c\u200d])")
"""What joins or parts two signs within a word of Persian or Hindi, or an emoji."""
_LINE_BREAK = re.compile(r"\s*[\t\n\v\f\r]\s*")


@dataclass(frozen=True, slots=True)
class DatasetName:
    """`namespace.table`, optionally at one snapshot, with the columns that it was written with or
    those of a numbered schema. tag: a tag, a branch or a time (ISO 8601) instead of a snapshot.
    """

    namespace: str
    table: str
    snapshot: int | None = None
    columns: int | None = None
    tag: str | None = None

    @classmethod
    def parse(cls, text: str) -> DatasetName:
        """Read `ns.table`, `ns.table@SNAPSHOT`, `ns.table@SNAPSHOT.COLUMNS`, `ns.table@TAG`,
        `ns.table@TIME` or the same as a reference (`dataset:…`), which may have a name that only
        other clients accept, as lists show it.

        Raises BadRequest for anything else, so no name reaches a path or a statement unchecked.
        """
        if isinstance(text, str) and text.startswith("dataset:") and "@" in text:
            head, _, at = text.partition("@")
            text = f"{head}@{decoded(at)}"
        match = _NAME.match(text) if isinstance(text, str) else None
        if not match and isinstance(text, str) and (odd := _REFERENCE.match(text)):
            found = cls(decoded(odd["space"]), decoded(odd["table"]), *_at(*odd.groups()[2:]))
            if found.ref == text.partition("@")[0]:
                return found
        if not match:
            shown = str(text)[:80]
            raise BadRequest(
                f"{shown!r} is not the name of a dataset.",
                _RULE,
                "Write, for example, flights.departures.",
            )
        return cls(match[1], match[2], *_at(*match.groups()[2:]))

    @classmethod
    def of(cls, text: str) -> DatasetName:
        """The name that `text` is, whatever signs it has; for names that lists have shown."""
        namespace, _, table = text.rpartition(".")
        return cls(namespace, table)

    def check(self) -> None:
        """Raise Unprocessable for the name of a table that only other clients accept: it can be
        read by its reference, and not be written.
        """
        if not self.is_odd:
            return
        # A dot in the table's own name would be read as the end of the namespace.
        odd = self.namespace if re.fullmatch(_PART, self.table) else self.table
        raise Unprocessable(
            f"The name {odd[:80]!r} cannot be used here.",
            _RULE,
            f"Read it as {self.ref[:200]}; to write it, rename it with the client that made it.",
        )

    def at(self, snapshot: str | int) -> DatasetName:
        """The same dataset at a snapshot (`ID` or `ID.COLUMNS`), tag, branch or time. Raises
        BadRequest if that is none of these.
        """
        match = _SNAPSHOT.match(str(snapshot))
        if not match:
            raise BadRequest(
                f"{str(snapshot)[:40]!r} is not a snapshot.",
                "A snapshot is a number; a tag, a branch, or a time such as 2026-05-01T12:00Z may"
                " stand for it.",
                "Take one from `mlinfra catalog snapshots`.",
            )
        return DatasetName(self.namespace, self.table, *_at(*match.groups()))

    @property
    def has_state(self) -> bool:
        """Whether it names one state of the dataset."""
        return self.snapshot is not None or self.tag is not None

    @property
    def whole(self) -> DatasetName:
        """The dataset, without a state."""
        return DatasetName(self.namespace, self.table)

    @property
    def is_odd(self) -> bool:
        """Whether only other clients accept it."""
        match = _NAME.match(self.text)
        return not match or (match[1], match[2]) != (self.namespace, self.table)

    @property
    def text(self) -> str:
        """`namespace.table`."""
        return f"{self.namespace}.{self.table}"

    @property
    def asked(self) -> str:
        """What `parse` reads as this dataset: its text, or for an odd name its reference."""
        return self.ref if self.is_odd else self.text

    @property
    def at_text(self) -> str | None:
        """The snapshot as it is written after the `@`; None for the newest."""
        if self.snapshot is None or self.columns is None:
            return None if self.snapshot is None else str(self.snapshot)
        return f"{self.snapshot}.{self.columns}"

    @property
    def ref(self) -> str:
        """`dataset:namespace.table`, encoded if another client gave it an odd name."""
        table = reference("dataset", self.table).removeprefix("dataset:").replace(".", "%2E")
        return f"{reference('dataset', self.namespace)}.{table}"

    @property
    def identifier(self) -> tuple[str, ...]:
        """The parts, as pyiceberg takes them."""
        return (*self.namespace.split("."), self.table)


def _at(
    snapshot: str | None, columns: str | None, tag: str | None
) -> tuple[int | None, int | None, str | None]:
    return int(snapshot) if snapshot else None, int(columns) if columns else None, tag


def column_names(header: Sequence[str], owner: str) -> list[str]:
    """The column names of a file: an unnamed column becomes `column_N`, a line break in a name a
    blank, the second `a` becomes `a_2`, and a name that is too long is cut (see `renaming`).

    Raises Unprocessable if one cannot be a name.
    """
    names = _plain(header)
    for name in names:
        if not _JOINER.sub("", name).isprintable():
            raise Unprocessable(
                f"{owner} has a column that cannot be named {name[:40]!r}.",
                "It holds control characters.",
                "Rename the column.",
            )
        if is_pattern(name):
            raise Unprocessable(
                f"{owner} has a column that cannot be named {name[:40]!r}.",
                "In Polars, which reads the tables, that is a pattern of names.",
                "Rename the column.",
            )
    return _distinct([name[:_MAX_COLUMN_LENGTH].strip() for name in names])


def renaming(header: Sequence[str], names: Sequence[str]) -> str:
    """What `column_names` changed beside blanks, in words; empty if nothing."""
    changed = [
        f"{old[:40]!r} is called {new[:40]!r}"
        for old, new in zip(_plain(header), names, strict=True)
        if old != new
    ]
    more = f" and {len(changed) - _SHOWN} more" if len(changed) > _SHOWN else ""
    return ", ".join(changed[:_SHOWN]) + more


def _plain(header: Sequence[str]) -> list[str]:
    return [
        _LINE_BREAK.sub(" ", name.strip()) or f"column_{number}"
        for number, name in enumerate(header, 1)
    ]


def _distinct(names: Sequence[str]) -> list[str]:
    """The names, those that occur again with a number behind them that makes them new."""
    taken, numbers, distinct = set(names), dict[str, int](), list[str]()
    for name in names:
        number = numbers.get(name, 0) + 1
        new = name if number == 1 else _numbered(name, number)
        while number > 1 and new in taken:
            number += 1
            new = _numbered(name, number)
        numbers[name] = number
        taken.add(new)
        distinct.append(new)
    return distinct


def _numbered(name: str, number: int) -> str:
    end = f"_{number}"
    return name[: _MAX_COLUMN_LENGTH - len(end)] + end
