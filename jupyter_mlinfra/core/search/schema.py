"""The tables of the index.

`source` is a domain and the state in which it was last read, `part` the same for a part of it.
`held` is a document beside its words (size: letters of its name), `labels` a set of values of
facets that documents share, and `label` one value of a set.
"""

from __future__ import annotations

import sqlite3

VERSION = 3
# The first process to open an index of an earlier version rebuilds it; it holds nothing of its own.
SCHEMA = f"""
BEGIN IMMEDIATE;
DROP TABLE IF EXISTS source;
DROP TABLE IF EXISTS part;
DROP TABLE IF EXISTS held;
DROP TABLE IF EXISTS labels;
DROP TABLE IF EXISTS label;
DROP TABLE IF EXISTS document;
CREATE TABLE source (domain TEXT PRIMARY KEY, fingerprint TEXT NOT NULL, until REAL) WITHOUT ROWID;
CREATE TABLE part (
    id INTEGER PRIMARY KEY, domain TEXT NOT NULL, name TEXT NOT NULL, fingerprint TEXT NOT NULL,
    UNIQUE (domain, name)
);
CREATE TABLE held (
    id INTEGER PRIMARY KEY, part INTEGER NOT NULL, domain TEXT NOT NULL, kind TEXT NOT NULL,
    labels INTEGER NOT NULL, size INTEGER NOT NULL
);
CREATE INDEX held_part ON held (part);
CREATE INDEX held_labels ON held (labels);
CREATE TABLE labels (id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE);
CREATE TABLE label (
    name TEXT NOT NULL, value TEXT NOT NULL, labels INTEGER NOT NULL,
    PRIMARY KEY (name, value, labels)
) WITHOUT ROWID;
CREATE INDEX label_labels ON label (labels);
CREATE VIRTUAL TABLE document USING fts5(
    name, text, ref UNINDEXED, detail UNINDEXED, code UNINDEXED, tokenize = "trigram"
);
PRAGMA user_version = {VERSION};
COMMIT;
"""


def prepare(connection: sqlite3.Connection) -> None:
    """Make the tables unless they are there."""
    if connection.execute("PRAGMA user_version").fetchone()[0] != VERSION:
        connection.executescript(SCHEMA)
