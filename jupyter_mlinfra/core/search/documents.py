"""What a domain puts into the search index, and what a search answers with."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from ..records import Page

type Facets = Sequence[tuple[str, Sequence[str]]]
"""Narrows a search: of each facet an object must have one of these values, as in
`[("owner", ["ana", "bob"]), ("tag", ["gold"]), ("tag", ["daily"])]`.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """One object as the index knows it. text: columns, tags, owner, notes. detail: one line for the
    hit.

    code: its Python, if it is not that of its reference. facets: values by which a search is
    narrowed, such as `{"owner": ["ana"], "tag": ["gold", "daily"]}`.
    """

    ref: str
    kind: str
    name: str
    text: str = ""
    detail: str = ""
    code: str = ""
    facets: Mapping[str, Sequence[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """The documents of a part of a domain. doubtful: they could not be read whole, and are asked
    for again after a while.
    """

    name: str
    documents: Sequence[Document]
    doubtful: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """One answer of a search. code: its Python, if it is not that of its reference."""

    ref: str
    kind: str
    name: str
    detail: str
    code: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class HitPage(Page[Hit]):
    """A page of hits. facets: how many of all hits have each value, by facet; the most frequent
    values first.
    """

    items: Sequence[Hit]
    facets: Mapping[str, Mapping[str, int]] = field(default_factory=dict)


def chosen(
    *, owner: Sequence[str] = (), tag: Sequence[str] = (), namespace: Sequence[str] = ()
) -> Facets:
    """The facets that every face has: one of these owners and namespaces, all of these tags."""
    one_of = [("owner", owner), ("namespace", namespace)]
    return [*(item for item in one_of if item[1]), *(("tag", [word]) for word in tag)]


class Searchable(Protocol):
    """What a domain provides to be searchable."""

    def search_fingerprint(self) -> str:
        """A cheap text that changes whenever `search_documents` would."""

    def search_documents(self) -> Iterable[Document]:
        """Every object of the domain."""


@runtime_checkable
class SearchableParts(Protocol):
    """What a domain of many objects provides: only the parts that changed are read again."""

    def search_fingerprint(self) -> str:
        """A cheap text that changes whenever `search_parts` would."""

    def search_parts(self) -> Mapping[str, str]:
        """A text for each part that changes whenever its documents would."""

    def search_documents_of(self, parts: Sequence[str]) -> Iterable[Part]:
        """The objects of these parts; a part that is gone by now is left out."""
