"""Whether somebody still waits for the answer: long work asks between its parts, and ends."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from .errors import Unavailable

_gone: ContextVar[threading.Event | None] = ContextVar("gone", default=None)


@contextmanager
def waited_for(gone: threading.Event) -> Iterator[None]:
    """Work inside the block is for somebody who may leave. gone: set when they do."""
    token = _gone.set(gone)
    try:
        yield
    finally:
        _gone.reset(token)


def check_waiting() -> None:
    """Raise Unavailable if nobody waits for the answer any more."""
    gone = _gone.get()
    if gone is not None and gone.is_set():
        raise Unavailable("The work was stopped.", "Nobody waits for its answer any more.")
