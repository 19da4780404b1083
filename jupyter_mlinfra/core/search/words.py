"""Searched words as conditions of SQL."""

from __future__ import annotations

from collections.abc import Sequence

from ..errors import BadRequest
from .documents import Facets

MOST_WORDS = 100
TRIGRAM = 3
"""Characters of the shortest word that the index finds without reading every document."""

type Conditions = tuple[list[str], list[str]]
"""Conditions of SQL, made of constants, and the values that are bound to them."""


def terms_of(words: str) -> list[str]:
    """The different words. Raises BadRequest for too many."""
    # SQLite ends a text at NUL.
    terms = list(dict.fromkeys(plain(words.replace("\0", " ")).split()))
    if len(terms) > MOST_WORDS:
        raise BadRequest(
            f"{len(terms):,} words are too many to search for.",
            f"A search has at most {MOST_WORDS}.",
            "Search for the rare ones.",
        )
    return terms


def phrases(terms: Sequence[str]) -> str:
    """A query of FTS5 for all terms that the index finds; empty if there are none."""
    return " AND ".join(
        '"' + term.replace('"', '""') + '"' for term in terms if len(term) >= TRIGRAM
    )


def short(terms: Sequence[str]) -> Conditions:
    """A document holds the other terms."""
    where: list[str] = []
    values: list[str] = []
    # Trigrams ignore the case of all letters; LIKE does so only for ASCII.
    for term in (term for term in terms if len(term) < TRIGRAM):
        if term.isascii():
            where.append("document.text LIKE ? ESCAPE '\\'")
            values.append(
                "%" + term.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
            )
        else:
            where.append("instr(casefold(document.text), ?)")
            values.append(term.casefold())
    return where, values


def narrowed(
    kinds: Sequence[str] | None, domains: Sequence[str] | None, facets: Facets
) -> Conditions:
    """A document is of one of these kinds and domains, and has one value of each facet."""
    where: list[str] = []
    values: list[str] = []
    for column, allowed in (("kind", kinds), ("domain", domains)):
        if allowed is not None:
            where.append(f"held.{column} IN ({_marks(allowed)})")
            values.extend(allowed)
    for name, wanted in facets:
        where.append(
            "held.labels IN (SELECT labels FROM label WHERE name = ?"  # noqa: S608
            f" AND value IN ({_marks(wanted)}))"
        )
        values += [name, *map(plain, wanted)]
    return where, values


def _marks(values: Sequence[str]) -> str:
    return ",".join("?" * len(values))


def plain(text: str) -> str:
    """Text that SQLite can hold: a file name that is not UTF-8 has halves of characters
    (surrogates).
    """
    return text.encode(errors="replace").decode()
