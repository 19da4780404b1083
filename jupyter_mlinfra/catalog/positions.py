"""How far a dataset has got with a stream of rows, for example with those of another dataset.

Each commit of such rows writes its position twice: into the properties of the table, which stay
whatever happens to the rows, and into its snapshot, which is found only while the rows are
certainly there. While both agree, the dataset has the stream up to there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from .metadata import POSITION, Metadata, ancestors, keeps_files


@dataclass(frozen=True, slots=True)
class Position:
    """at: the newest one that was written; empty if none ever was. kept: whether the rows up to
    there are certainly in the dataset.
    """

    at: str = ""
    kept: bool = True


@dataclass(frozen=True, slots=True)
class Advance:
    """What a commit does to the position of a stream. move: the position after the commit, from the
    one before it; None leaves it as it is. An error in it stops the commit; it may be called
    several times, and what it was given last is what the commit follows.
    """

    stream: str
    move: Callable[[Position], str | None]


class Advancing:
    """One write that advances a stream, or none."""

    def __init__(self, advance: Advance | None) -> None:
        self._advance = advance
        self._seen = Position()

    def properties(self, metadata: Metadata) -> Mapping[str, str]:
        """What the commit writes if it follows this metadata. Raises what `move` raises."""
        if self._advance is None:
            return {}
        self._seen = position(metadata, self._advance.stream)
        at = self._advance.move(self._seen)
        return {} if at is None else {f"{POSITION}{self._advance.stream}": at}

    def stale(self, metadata: Metadata) -> bool:
        """Whether the stream has another position here than where `properties` looked last."""
        advance = self._advance
        return advance is not None and position(metadata, advance.stream) != self._seen


def position(metadata: Metadata, stream: str) -> Position:
    """The position of a stream in a dataset; `metadata` is empty if there is no such dataset."""
    told = metadata.get("properties", {}).get(f"{POSITION}{stream}", "")
    found = _in_snapshots(metadata, f"{POSITION}{stream}")
    return Position(told or found, told == found)


def _in_snapshots(metadata: Metadata, key: str) -> str:
    for entry in ancestors(metadata, metadata.get("current-snapshot-id")):
        summary = entry.get("summary") or {}
        if key in summary:
            return str(summary[key])
        if not keeps_files(entry):
            break
    return ""
