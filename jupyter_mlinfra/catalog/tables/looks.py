"""How tables in place on another machine were when they were looked at last: a list of many tables
asks no store.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING

from ...core.errors import MLInfraError

if TYPE_CHECKING:
    from ..registrations import Registered

type Look = tuple[int | None, datetime | None]
"""Bytes and time of the last change."""


class Looks:
    """Those of this process; before the first one, how it was when it was registered."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._looks: dict[tuple[str, datetime], Look | MLInfraError] = {}

    def of(self, item: Registered) -> Look:
        """The last one. Raises what stood in its way."""
        with self._lock:
            found = self._looks.get((item.location, item.at), (item.bytes, item.changed_at))
        if isinstance(found, MLInfraError):
            raise found.with_traceback(None)
        return found

    @contextmanager
    def kept(self, item: Registered) -> Iterator[Callable[[Look], None]]:
        """Keep the look that the block takes, or what stands in its way."""

        def keep(found: Look | MLInfraError) -> None:
            with self._lock:
                self._looks[item.location, item.at] = found

        try:
            yield keep
        except MLInfraError as error:
            keep(error)
            raise


looks = Looks()
"""Of this process."""
