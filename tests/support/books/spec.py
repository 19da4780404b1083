"""The record of a book."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Book:
    """A book. state: on_shelf or lent."""

    ref: str
    title: str
    pages: int
    state: str
