"""Changes of the index, each inside a transaction of the caller."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence

from .documents import Document
from .words import plain


def drop(connection: sqlite3.Connection, domain: str, parts: Iterable[str]) -> None:
    """Take these parts out of the index."""
    for name in parts:
        found = connection.execute(
            "SELECT id FROM part WHERE domain = ? AND name = ?", (domain, plain(name))
        ).fetchone()
        if found is None:
            continue
        # By the row: any other column of the words would be looked for in all of them.
        connection.execute(
            "DELETE FROM document WHERE rowid IN (SELECT id FROM held WHERE part = ?)", found
        )
        connection.execute("DELETE FROM held WHERE part = ?", found)
        connection.execute("DELETE FROM part WHERE id = ?", found)


def add(
    connection: sqlite3.Connection,
    domain: str,
    name: str,
    fingerprint: str,
    documents: Sequence[Document],
) -> None:
    """Put a part into the index that is not there."""
    part = connection.execute(
        "INSERT INTO part (domain, name, fingerprint) VALUES (?, ?, ?)",
        (domain, plain(name), fingerprint),
    ).lastrowid
    last = connection.execute("SELECT coalesce(max(id), 0) FROM held").fetchone()[0]
    # Documents of a part often share them.
    different = {id(item.facets): item.facets for item in documents}
    written = {key: _labels(facets) for key, facets in different.items()}
    texts = [written[id(item.facets)] for item in documents]
    sets = {text: _set(connection, text) for text in dict.fromkeys(texts)}
    connection.executemany(
        "INSERT INTO held (id, part, domain, kind, labels, size) VALUES (?, ?, ?, ?, ?, ?)",
        [
            (number, part, domain, item.kind, sets[text], len(item.name))
            for number, (item, text) in enumerate(zip(documents, texts, strict=True), last + 1)
        ],
    )
    connection.executemany(
        "INSERT INTO document (rowid, name, text, ref, detail, code) VALUES (?, ?, ?, ?, ?, ?)",
        [(number, *_row(item)) for number, item in enumerate(documents, last + 1)],
    )


def finish(
    connection: sqlite3.Connection, domain: str, fingerprint: str, until: float | None
) -> None:
    """Note the state in which a domain was read. until: the time (in seconds since 1970) until
    which it counts; None for ever.
    """
    connection.execute(
        "INSERT OR REPLACE INTO source (domain, fingerprint, until) VALUES (?, ?, ?)",
        (domain, fingerprint, until),
    )


def _row(item: Document) -> tuple[str, ...]:
    texts = (item.name, f"{item.name} {item.text}", item.ref, item.detail, item.code)
    return tuple(map(plain, texts))


def _labels(facets: Mapping[str, Sequence[str]]) -> str:
    """A set of values, as a text that is the same for the same set."""
    pairs = {(name, plain(value)) for name, values in facets.items() for value in values if value}
    return json.dumps(sorted(pairs))


def _set(connection: sqlite3.Connection, text: str) -> int:
    """The number of a set of values, which is made unless it is there."""
    found = connection.execute("SELECT id FROM labels WHERE text = ?", (text,)).fetchone()
    if found is not None:
        return int(found[0])
    made = connection.execute("INSERT INTO labels (text) VALUES (?)", (text,)).lastrowid or 0
    connection.executemany(
        "INSERT INTO label (name, value, labels) VALUES (?, ?, ?)",
        [(name, value, made) for name, value in json.loads(text)],
    )
    return made
