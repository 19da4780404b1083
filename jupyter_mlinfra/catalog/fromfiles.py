"""Of which columns of files the columns of a dataset were made, for the lineage."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .sources import Source

MOST = 5_000
"""Pairs of columns that an event names (some 0.5 MB). One with more names the files alone."""


def columns_of(
    sources: Sequence[Source], inputs: Sequence[str]
) -> Mapping[str, Sequence[tuple[str, str]]]:
    """For each column that files bring, the files and their columns that it is made of; none at all
    where that would be too many. inputs: the files as the lineage names them.

    A column goes by its name in the file, and by the name it was given where it has none there.
    """
    if sum(len(source.columns) for source in sources) > MOST:
        return {}
    found: dict[str, list[tuple[str, str]]] = {}
    for source, name in zip(sources, inputs, strict=True):
        for column, written in zip(source.columns, source.header, strict=True):
            found.setdefault(column, []).append((name, written.strip() or column))
    return found
