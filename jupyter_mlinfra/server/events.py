"""What is committed in the project, on Jupyter's own event bus: one schema a topic, read from the
project's event log.

Panels learn of changes that notebooks, jobs or the command line made, because the log is
written in the transaction of the change.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from concurrent.futures import ThreadPoolExecutor
from logging import Logger
from typing import TYPE_CHECKING, Any

from ..core.domains import topics
from ..core.errors import MLInfraError

if TYPE_CHECKING:
    from pathlib import Path

    from jupyter_events import EventLogger

    from ..core.events import Event
    from ..core.project import Project
    from .context import Context

AWAKE, ASLEEP = 0.15, 1.0
"""Seconds between two looks at the log: while something happens or is asked, and after `DOZE`
seconds of silence.
"""
DOZE = 300.0


def schema_of(topic: str) -> str:
    """The id of a topic's schema."""
    return f"https://schema.jupyter-mlinfra.org/{topic}/v1"


def register(bus: EventLogger) -> None:
    """Register the topics. This must precede every subscription: a socket receives only the schemas
    that are registered by then.
    """
    for topic in topics():
        bus.register_event_schema(
            {
                "$id": schema_of(topic),
                "version": "1",
                "title": f"A change of a {topic}",
                "description": (
                    "Something that was committed. ref: the object's reference. data: a few facts."
                    " id: of the event, growing. at: when."
                ),
                "personal-data": True,
                "type": "object",
                "required": ["ref", "data", "id", "at"],
                "properties": {
                    "ref": {"type": "string"},
                    "data": {"type": "object"},
                    "id": {"type": "integer"},
                    "at": {"type": "string"},
                },
            }
        )


class Forwarder:
    """Carries new events to the bus, from the first request on: a server that nobody asks does no
    work.
    """

    def __init__(self, context: Context, bus: EventLogger, log: Logger) -> None:
        self._context = context
        self._bus = bus
        self._log = log
        self._task: asyncio.Task[None] | None = None
        self._busy_at = 0.0
        # `PRAGMA data_version` shows the commits of other connections, so it must always be read on
        # the same connection, in one thread.
        self._thread = ThreadPoolExecutor(1, "mlinfra-events")
        self._position: tuple[Project, Path, int | None, int] | None = None

    def wake(self) -> None:
        """A request came in: begin, or look more often again."""
        self._busy_at = time.monotonic()
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._run())

    async def stop(self) -> None:
        """End the work."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        self._thread.shutdown(wait=False)

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        complained = False
        while True:
            try:
                events = await loop.run_in_executor(self._thread, self._new_events)
                complained = False
            except Exception as error:  # noqa: BLE001
                # No project yet, or its disk is full: requests answer with that; here one line in
                # the log is enough.
                if not complained:
                    self._log.warning(
                        "mlinfra events are not forwarded: %s",
                        error,
                        exc_info=not isinstance(error, MLInfraError),
                    )
                events, complained = [], True
            for event in events:
                self._emit(event)
            if events:
                self._busy_at = time.monotonic()
            await asyncio.sleep(AWAKE if time.monotonic() - self._busy_at < DOZE else ASLEEP)

    def _emit(self, event: Event) -> None:
        data: dict[str, Any] = {
            "ref": event.ref,
            "data": event.data,
            "id": event.id,
            "at": event.at,
        }
        try:
            self._bus.emit(schema_id=schema_of(event.topic), data=data)
        except Exception:  # noqa: BLE001  # a listener of some other extension, or a topic that a newer version wrote
            self._log.exception("mlinfra event %s was not forwarded", event.id)

    def _new_events(self) -> list[Event]:
        """Events since the last look; the first look only notes the place, which is kept while the
        settings are changed or broken.
        """
        project = self._context.workbench().project
        state = project.state
        if not state.exists():  # to look must not make it, above all not one that was removed
            self._position = project, state, None, 0
            return []
        version = project.database.data_version()
        if self._position is None or self._position[1] != state:
            self._position = project, state, version, project.events.last_id()
            return []
        before, _, seen, last = self._position
        if before is project and version == seen:
            return []
        events = project.events.after(last)
        # More than one page is waiting: note no version, so that the next look goes on.
        self._position = (
            project,
            state,
            version if len(events) < 500 else None,
            events[-1].id if events else last,
        )
        return events
