"""Starts again what died while there is work for it (supervisor, followers, keeper): soon after
the server has started, then every half minute. No request does.
"""

from __future__ import annotations

import asyncio
import contextlib
from logging import Logger
from typing import TYPE_CHECKING

from ..core.errors import MLInfraError, NotFound

if TYPE_CHECKING:
    from .context import Context

FIRST_SECONDS = 5.0
"""After the start of the server, which has pages to deliver first."""
LOOK_SECONDS = 30.0
"""Between two looks; the end of a job may stay unnoticed for this long."""


class Caretaker:
    """One look at a time, in the threads for slow work. A look that fails is logged, once for each
    reason, and the looks go on.
    """

    def __init__(self, context: Context, log: Logger) -> None:
        self._context = context
        self._log = log
        self._task: asyncio.Task[None] | None = None
        self._trouble = ""

    def start(self) -> None:
        """Begin; to be called on the event loop."""
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._run())

    async def stop(self) -> None:
        """End the looks; one that is under way is left to end."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def _run(self) -> None:
        await asyncio.sleep(FIRST_SECONDS)
        while True:
            await self._look()
            await asyncio.sleep(LOOK_SECONDS)

    async def _look(self) -> None:
        try:
            await self._context.run(self._heal, writes=True, slow=True)
            self._trouble = ""
        except Exception as error:  # noqa: BLE001 - the looks go on
            if str(error) != self._trouble:
                self._trouble = str(error)
                self._log.warning(
                    "mlinfra: what died was not started again: %s",
                    error,
                    exc_info=not isinstance(error, MLInfraError),
                )

    def _heal(self) -> None:
        try:
            bench = self._context.workbench()
        except NotFound:  # a server without a project has nothing to look after
            return
        bench.heal()
