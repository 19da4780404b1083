"""Search over every object of the project: what domains list, and the index that holds it."""

from __future__ import annotations

from .documents import Document, Facets, Hit, HitPage, Part, Searchable, SearchableParts, chosen
from .index import SearchIndex

__all__ = [
    "Document",
    "Facets",
    "Hit",
    "HitPage",
    "Part",
    "SearchIndex",
    "Searchable",
    "SearchableParts",
    "chosen",
]
