"""Judges the rules of the monitors every `[monitoring] evaluate_minutes`, from the first request
on, so that an alert fires unasked.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from logging import Logger
from typing import TYPE_CHECKING

from ..core.errors import MLInfraError
from ..core.records import every

if TYPE_CHECKING:
    from .context import Context

UNKNOWN_MINUTES = 5.0
"""Between two looks while the project cannot be opened."""


class Evaluator:
    """One round at a time, in the threads for slow work. What is not kept here needs no keeping: an
    evaluation can be repeated.
    """

    def __init__(self, context: Context, log: Logger) -> None:
        self._context = context
        self._log = log
        self._task: asyncio.Task[None] | None = None

    def wake(self) -> None:
        """A request came in: somebody uses this server."""
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._run())

    async def stop(self) -> None:
        """End the rounds; one that is under way is left to end."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(60 * (await self._attempt(self._pause) or UNKNOWN_MINUTES))
            await self._attempt(self._round)

    async def _attempt[T](self, work: Callable[[], T]) -> T | None:
        """What `work` gives; a fault is logged, and the next round comes all the same."""
        try:
            return await self._context.run(work, writes=True, slow=True)
        except MLInfraError as error:
            self._log.warning("mlinfra: nothing was evaluated: %s", error)
        except Exception:  # noqa: BLE001
            self._log.exception("mlinfra: nothing was evaluated")
        return None

    def _pause(self) -> float:
        """Minutes to the next round."""
        try:
            return self._context.workbench().project.settings.monitoring.evaluate_minutes
        except MLInfraError:
            return UNKNOWN_MINUTES

    def _round(self) -> None:
        monitoring = self._context.workbench().monitoring
        for monitor in every(monitoring.list):
            try:
                monitoring.evaluate(monitor.name)
            except (
                MLInfraError
            ) as error:  # one that cannot be judged must not keep the others from it
                self._log.warning("mlinfra: monitor %s was not evaluated: %s", monitor.name, error)
            except Exception:  # noqa: BLE001
                self._log.exception("mlinfra: monitor %s was not evaluated", monitor.name)
