"""One state of each source within a block of code, however often it is read there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from .spec import PROJECT, SourceSpec

_pinned: ContextVar[dict[str, str | None] | None] = ContextVar("pinned", default=None)


@contextmanager
def one_snapshot(pins: dict[str, str | None] | None = None) -> Iterator[dict[str, str | None]]:
    """Inside the block every dataset and every table is read at one snapshot, however often it is
    scanned; yields its name → snapshot. pins: those of an earlier block, to which this one adds.
    """
    pins = {} if pins is None else pins
    token = _pinned.set(pins)
    try:
        yield pins
    finally:
        _pinned.reset(token)


def key_of(source: SourceSpec) -> str:
    """What a source is called among the snapshots of a block."""
    return f"{source.options[PROJECT]}#{source.name}" if PROJECT in source.options else source.name


def pinned(source: SourceSpec, newest: Callable[[], str | None]) -> str | None:
    """The snapshot at which the source is to be read: its own, else that of the block, else the
    newest.
    """
    if source.snapshot is not None:
        return source.snapshot
    pins = _pinned.get()
    if pins is None:
        return newest()
    key = key_of(source)
    if key not in pins:
        pins[key] = newest()
    return pins[key]
