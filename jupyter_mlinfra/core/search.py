"""The search index: SQLite FTS5 with trigrams over every object's name, columns, tags, owner and
notes.

The index can be deleted at any time: each domain lists its documents, and a fingerprint shows when
they changed. Source: https://www.sqlite.org/fts5.html, section 4.3.4 (the trigram tokenizer).
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from .errors import BadRequest, Unavailable
from .records import Page, check_limit, next_cursor, parse_cursor
from .sqlite import code_of, fix_of, is_damaged

BUSY_SECONDS = 2.0
"""How long to wait for another process that writes the index. After a failed wait, no other domain
waits for that time.
"""
MOST_WORDS = 100
_TRIGRAM = 3
_VERSION = 2
# The first process to open an index of an earlier version rebuilds it; it holds nothing of its own.
_SCHEMA = f"""
BEGIN IMMEDIATE;
DROP TABLE IF EXISTS source;
DROP TABLE IF EXISTS document;
CREATE TABLE source (domain TEXT PRIMARY KEY, fingerprint TEXT NOT NULL);
CREATE VIRTUAL TABLE document USING fts5(
    name, text, ref UNINDEXED, kind UNINDEXED, domain UNINDEXED, detail UNINDEXED, code UNINDEXED,
    tokenize = "trigram"
);
PRAGMA user_version = {_VERSION};
COMMIT;
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """One object as the index knows it. text: columns, tags, owner, notes. detail: one line for the
    hit.

    code: its Python, if it is not that of its reference.
    """

    ref: str
    kind: str
    name: str
    text: str = ""
    detail: str = ""
    code: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """One answer of a search. code: its Python, if it is not that of its reference."""

    ref: str
    kind: str
    name: str
    detail: str
    code: str = ""


class Searchable(Protocol):
    """What a domain provides to be searchable."""

    def search_fingerprint(self) -> str:
        """A cheap text that changes whenever `search_documents` would."""

    def search_documents(self) -> Iterable[Document]:
        """Every object of the domain."""


class SearchIndex:
    """The index of one project; safe to share between threads."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        self._busy_until = 0.0

    def refresh(
        self, domain: str, fingerprint: str, documents: Callable[[], Iterable[Document]]
    ) -> bool:
        """Replace the documents of `domain` if its fingerprint changed; returns whether it did.
        Raises Unavailable while another process writes the index.
        """
        with self._open() as connection:
            indexed = connection.execute(
                "SELECT fingerprint FROM source WHERE domain = ?", (domain,)
            ).fetchone()
        if indexed and indexed[0] == fingerprint:
            return False
        if time.monotonic() < self._busy_until:
            raise Unavailable(
                f"The search index {self._path} is busy.",
                "Another process writes it.",
                "Try again in a moment.",
            )
        rows = [_row(domain, item) for item in documents()]
        with self._open() as connection:
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("DELETE FROM document WHERE domain = ?", (domain,))
            connection.executemany(
                "INSERT INTO document (name, text, ref, kind, domain, detail, code) VALUES (?, ?,"
                " ?, ?, ?, ?, ?)",
                rows,
            )
            connection.execute("INSERT OR REPLACE INTO source VALUES (?, ?)", (domain, fingerprint))
            connection.execute("COMMIT")
        return True

    def search(
        self,
        words: str,
        *,
        kinds: Sequence[str] = (),
        domains: Sequence[str] | None = None,
        limit: int = 50,
        cursor: str | None = None,
    ) -> Page[Hit]:
        """Objects whose name or text holds every word, matches in names first. Words are plain
        text, never query syntax. The cursor is an offset.

        kinds: only these; all when empty. domains: only these; all when None.

        Raises BadRequest for more than `MOST_WORDS`.
        """
        check_limit(limit)
        start = parse_cursor(cursor)
        terms = _terms(words)
        if not terms:
            return Page(items=[], shown=0, total=0)
        where, values = _holding(terms)
        for column, allowed in (("kind", kinds or None), ("domain", domains)):
            if allowed is not None:
                where.append(f"{column} IN ({','.join('?' * len(allowed))})")
                values.extend(allowed)
        condition, long = " AND ".join(where), any(len(term) >= _TRIGRAM for term in terms)
        # One order for all pages.
        order = "bm25(document, 10.0, 1.0), name, ref" if long else "length(name), name, ref"
        with self._open() as connection:
            # `condition` and `order` are made of the constants above; every word is bound
            total = connection.execute(
                f"SELECT count(*) FROM document WHERE {condition}",  # noqa: S608
                values,
            ).fetchone()[0]
            query = (
                f"SELECT ref, kind, name, detail, code FROM document WHERE {condition}"  # noqa: S608
                f" ORDER BY {order} LIMIT ? OFFSET ?"
            )
            rows = connection.execute(query, [*values, limit, start]).fetchall()
        hits = [
            Hit(ref=row[0], kind=row[1], name=row[2], detail=row[3], code=row[4]) for row in rows
        ]
        return Page(
            items=hits,
            shown=len(hits),
            total=total,
            cursor=next_cursor(start, len(hits), total),
        )

    @contextlib.contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        """The connection that all threads share. An exception leaves no transaction open on it.
        Raises Unavailable if the disk does not take the index.
        """
        with self._lock:
            try:
                if self._connection is None:
                    self._connection = self._connect()
                yield self._connection
            except sqlite3.Error as error:
                self._forget(remove=is_damaged(error))
                if code_of(error) == sqlite3.SQLITE_BUSY:
                    self._busy_until = time.monotonic() + BUSY_SECONDS
                fix = None if is_damaged(error) else fix_of(error)
                fix = fix or "Try again. The index may be deleted: it is built again."
                raise Unavailable(
                    f"The search index {self._path} cannot be used.", f"SQLite says: {error}.", fix
                ) from error
            except BaseException:
                self._forget(remove=False)
                raise

    def _connect(self) -> sqlite3.Connection:
        try:
            return self._create()
        except sqlite3.Error as error:
            if not is_damaged(error):
                raise
            self._forget(remove=True)  # a damaged index is rebuilt: it holds nothing of its own
            return self._create()

    def _create(self) -> sqlite3.Connection:
        place = self._path if self._is_writable() else ":memory:"
        connection = sqlite3.connect(
            place, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
        )
        try:
            connection.create_function("casefold", 1, str.casefold, deterministic=True)
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=NORMAL")
            if connection.execute("PRAGMA user_version").fetchone()[0] != _VERSION:
                connection.executescript(_SCHEMA)
        except BaseException:
            connection.close()
            raise
        return connection

    def _is_writable(self) -> bool:
        """SQLite writes beside the file too. In a folder that cannot be written each process makes
        an index of its own, in memory.
        """
        return not self._path.parent.is_dir() or (
            os.access(self._path.parent, os.W_OK)
            and (not self._path.exists() or os.access(self._path, os.W_OK))
        )

    def _forget(self, *, remove: bool) -> None:
        """Close the connection, which rolls back. remove: delete the file and its log as well."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        if remove:
            for end in ("", "-wal", "-shm"):
                Path(f"{self._path}{end}").unlink(missing_ok=True)


def _terms(words: str) -> list[str]:
    """The different words. Raises BadRequest for too many."""
    # SQLite ends a text at NUL.
    terms = list(dict.fromkeys(_text(words.replace("\0", " ")).split()))
    if len(terms) > MOST_WORDS:
        raise BadRequest(
            f"{len(terms):,} words are too many to search for.",
            f"A search has at most {MOST_WORDS}.",
            "Search for the rare ones.",
        )
    return terms


def _holding(terms: Sequence[str]) -> tuple[list[str], list[str]]:
    """The SQL conditions under which a document holds every term, and their values."""
    where: list[str] = []
    values: list[str] = []
    if long := [term for term in terms if len(term) >= _TRIGRAM]:
        where.append("document MATCH ?")
        values.append(" AND ".join('"' + term.replace('"', '""') + '"' for term in long))
    # Trigrams ignore the case of all letters; LIKE does so only for ASCII.
    for term in (term for term in terms if len(term) < _TRIGRAM):
        if term.isascii():
            where.append("text LIKE ? ESCAPE '\\'")
            values.append(
                "%" + term.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
            )
        else:
            where.append("instr(casefold(text), ?)")
            values.append(term.casefold())
    return where, values


def _row(domain: str, item: Document) -> tuple[str, ...]:
    return tuple(
        map(
            _text,
            (
                item.name,
                f"{item.name} {item.text}",
                item.ref,
                item.kind,
                domain,
                item.detail,
                item.code,
            ),
        )
    )


def _text(text: str) -> str:
    """Text that SQLite can hold: a file name that is not UTF-8 has halves of characters
    (surrogates).
    """
    return text.encode(errors="replace").decode()
