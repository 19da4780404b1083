"""Questions to the index, each on a connection of the caller."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence

from .documents import Facets, Hit
from .words import narrowed, phrases, short

SHOWN_VALUES = 50
"""Values of a facet that an answer counts; the others are rarer."""


class Question:
    """Which documents are asked for: those that hold all terms, of these kinds and domains, with
    these values of facets.

    Its statements are made of constants: every word, name and value is bound.
    """

    def __init__(
        self,
        terms: Sequence[str],
        *,
        kinds: Sequence[str] = (),
        domains: Sequence[str] | None = None,
        facets: Facets = (),
    ) -> None:
        self._terms, self._phrases = terms, phrases(terms)
        words, bound = short(terms)
        rest, others = narrowed(kinds or None, domains, facets)
        self._conditions, self._values = [*words, *rest], [*bound, *others]

    def counts(self, connection: sqlite3.Connection) -> tuple[int, Mapping[str, Mapping[str, int]]]:
        """How many documents there are, and how many of them have each value, by facet."""
        tables, values = self._from(self._phrases)
        statement = f"""
            WITH found AS MATERIALIZED (
                SELECT held.labels AS labels, count(*) AS documents FROM {tables}
                GROUP BY held.labels
            )
            SELECT '', '', coalesce(sum(documents), 0) FROM found
            UNION ALL
            SELECT label.name, label.value, sum(documents) FROM found
            JOIN label ON label.labels = found.labels GROUP BY label.name, label.value
            ORDER BY 1, 3 DESC, 2
        """  # noqa: S608
        (*_, total), *rows = connection.execute(statement, values).fetchall()
        facets: dict[str, dict[str, int]] = {}
        for name, value, count in rows:
            some = facets.setdefault(name, {})
            if len(some) < SHOWN_VALUES:
                some[value] = count
        return total, facets

    def hits(self, connection: sqlite3.Connection, start: int, limit: int) -> list[Hit]:
        """Some of them: first those with the words in their names, shorter names, which are nearer
        to the words, first; then the others.
        """
        if not self._phrases:
            return _read(connection, self._ids(connection, "", start, limit))
        named = f"{{name}} : ({self._phrases})"
        first = self._ids(connection, named, start, limit)
        if len(first) == limit:
            return _read(connection, first)
        before = self._count(connection, named) if start else len(first)
        others = f"({self._phrases}) NOT ({named})"
        rest = self._ids(connection, others, max(0, start - before), limit - len(first))
        return [*_read(connection, first), *_read(connection, rest)]

    def _ids(
        self, connection: sqlite3.Connection, match: str, start: int, limit: int
    ) -> Sequence[int]:
        tables, values = self._from(match)
        order = "held.size, held.id" if self._terms else "held.id"
        statement = f"SELECT held.id FROM {tables} ORDER BY {order} LIMIT ? OFFSET ?"  # noqa: S608
        return [row[0] for row in connection.execute(statement, [*values, limit, start])]

    def _count(self, connection: sqlite3.Connection, match: str) -> int:
        tables, values = self._from(match)
        statement = f"SELECT count(*) FROM {tables}"  # noqa: S608
        return int(connection.execute(statement, values).fetchone()[0])

    def _from(self, match: str) -> tuple[str, list[str]]:
        """The tables and conditions, and what is bound."""
        tables = "held JOIN document ON document.rowid = held.id" if self._terms else "held"
        conditions = [*(["document MATCH ?"] if match else []), *self._conditions]
        values = [*([match] if match else []), *self._values]
        return f"{tables} WHERE {' AND '.join(conditions)}", values


def _read(connection: sqlite3.Connection, ids: Sequence[int]) -> list[Hit]:
    """The documents of these numbers; names of one length in the order of the alphabet."""
    statement = (
        "SELECT document.ref, held.kind, document.name, document.detail, document.code FROM held"  # noqa: S608
        f" JOIN document ON document.rowid = held.id WHERE held.id IN ({','.join('?' * len(ids))})"
        " ORDER BY held.size, document.name, document.ref"
    )
    return [
        Hit(ref=ref, kind=kind, name=name, detail=detail, code=code)
        for ref, kind, name, detail, code in connection.execute(statement, ids)
    ]
