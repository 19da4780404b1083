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
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import batched
from pathlib import Path

from ..errors import Unavailable
from ..records import check_limit, next_cursor, parse_cursor
from ..sqlite import code_of, fix_of, is_damaged
from .documents import Document, Facets, HitPage, Part, Searchable, SearchableParts
from .querying import Question
from .schema import prepare
from .words import terms_of
from .writing import add, drop, finish

BUSY_SECONDS = 2.0
"""How long to wait for another process that writes the index. After a failed wait, no other domain
waits for that time.
"""
DOUBTFUL_SECONDS = 30.0
"""When a part that could not be read whole is asked for again."""

_BATCH = 500
"""Parts that are written in one transaction: others wait no longer, and what was written stays if
the rest fails.
"""


class SearchIndex:
    """The index of one project; safe to share between threads."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        self._busy_until = 0.0

    def follow(self, domain: str, source: Searchable | SearchableParts) -> bool:
        """Bring the index up to date with a domain; returns whether anything was read. Raises
        Unavailable while another process writes the index.
        """
        if isinstance(source, SearchableParts):
            return self.refresh_parts(
                domain,
                source.search_fingerprint(),
                source.search_parts,
                source.search_documents_of,
            )
        return self.refresh(domain, source.search_fingerprint(), source.search_documents)

    def refresh(
        self, domain: str, fingerprint: str, documents: Callable[[], Iterable[Document]]
    ) -> bool:
        """Replace the documents of `domain` if its fingerprint changed; returns whether it did.
        Raises Unavailable while another process writes the index.
        """
        return self.refresh_parts(
            domain,
            fingerprint,
            lambda: {"": fingerprint},
            lambda _: [Part(name="", documents=list(documents()))],
        )

    def refresh_parts(
        self,
        domain: str,
        fingerprint: str,
        parts: Callable[[], Mapping[str, str]],
        documents: Callable[[Sequence[str]], Iterable[Part]],
    ) -> bool:
        """As `refresh`, but only parts whose own fingerprint changed are read and replaced."""
        if self._is_current(domain, fingerprint):
            return False
        if time.monotonic() < self._busy_until:
            raise Unavailable(
                f"The search index {self._path} is busy.",
                "Another process writes it.",
                "Try again in a moment.",
            )
        marks = parts()
        with self._open() as connection:
            known = dict(
                connection.execute("SELECT name, fingerprint FROM part WHERE domain = ?", (domain,))
            )
        gone = known.keys() - marks.keys()
        changed = [name for name, mark in marks.items() if known.get(name) != mark]
        batches = [*batched(changed, _BATCH)] or [()]
        doubtful = False
        for left, names in zip(range(len(batches) - 1, -1, -1), batches, strict=True):
            read = list(documents(names)) if names else []
            doubtful = doubtful or any(part.doubtful for part in read)
            with self._writing() as connection:
                drop(connection, domain, [*gone, *names])
                for part in read:
                    mark = "" if part.doubtful else marks[part.name]
                    add(connection, domain, part.name, mark, part.documents)
                if not left:
                    until = time.time() + DOUBTFUL_SECONDS if doubtful else None
                    finish(connection, domain, fingerprint, until)
            gone = set()
        return True

    def search(
        self,
        words: str,
        *,
        kinds: Sequence[str] = (),
        domains: Sequence[str] | None = None,
        facets: Facets = (),
        limit: int = 50,
        cursor: str | None = None,
    ) -> HitPage:
        """Objects whose name or text holds every word, matches in names first. Words are plain
        text, never query syntax. The cursor is an offset.

        kinds: only these; all when empty. domains: only these; all when None. facets: only objects
        with these values; then the words may be empty.

        Raises BadRequest for more than `MOST_WORDS`.
        """
        check_limit(limit)
        start = parse_cursor(cursor)
        terms = terms_of(words)
        if not terms and not facets:
            return HitPage(items=[], shown=0, total=0)
        question = Question(terms, kinds=kinds, domains=domains, facets=facets)
        with self._open() as connection:
            total, values = question.counts(connection)
            hits = question.hits(connection, start, limit)
        return HitPage(
            items=hits,
            shown=len(hits),
            total=total,
            cursor=next_cursor(start, len(hits), total),
            facets=values,
        )

    def _is_current(self, domain: str, fingerprint: str) -> bool:
        with self._open() as connection:
            indexed = connection.execute(
                "SELECT fingerprint, until FROM source WHERE domain = ?", (domain,)
            ).fetchone()
        if indexed is None or indexed[0] != fingerprint:
            return False
        # A clock that was set back must not keep what is doubtful.
        return indexed[1] is None or 0 < indexed[1] - time.time() <= DOUBTFUL_SECONDS

    @contextlib.contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """A transaction."""
        with self._open() as connection:
            connection.execute("BEGIN IMMEDIATE")
            yield connection
            connection.execute("COMMIT")

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
            prepare(connection)
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
