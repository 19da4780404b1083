"""Runs the alarms of a project: starts their programs when the wall clock passes their time."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from ...core.daemons.control import rotate
from ...core.daemons.daemon import say
from ...core.database import Database
from ...core.processes import spawn_detached
from ..backends.launch import Place
from ..queue.alarms import ROOT, Alarm, read_alarms
from .timer import LOOK_SECONDS, WallClock

AGAIN_SECONDS = (5.0, 60.0)
"""First and longest pause before an alarm runs again that nobody has set to a new time."""


class Alarms:
    """All alarms of one project, for one supervisor. start: starts the program of an alarm; clock:
    seconds since 1970.
    """

    def __init__(
        self,
        database: Database,
        place: Place,
        *,
        start: Callable[[Alarm], None] | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._database = database
        self._start = start or partial(_start, place)
        self._clock = clock
        self._timer = WallClock()
        self._tries: dict[str, tuple[Alarm, float, float]] = {}
        self._faults: dict[str, str] = {}
        self._look_at: float | None = None

    def listen(self, add: Callable[[Any], None]) -> None:
        """Wake on the timer, if there is one."""
        if self._timer.exists():
            add(self._timer)

    def due(self) -> float | None:
        """When to check again at the latest, on the monotonic clock; None: only when the timer or
        another event wakes.
        """
        return self._look_at

    def tend(self) -> None:
        """Run those that are due; make sure that the next one is not missed."""
        alarms, at, now = read_alarms(self._database), self._clock(), time.monotonic()
        self._tries = {
            alarm.name: self._tries[alarm.name] for alarm in alarms if alarm.name in self._tries
        }
        looks: list[float] = []
        for alarm in alarms:
            if not alarm.is_due(at):
                continue
            previous, pause, again = self._tries.get(alarm.name, (None, 0.0, 0.0))
            if previous != alarm:
                pause, again = 0.0, now
            if now >= again:
                pause = min(max(AGAIN_SECONDS[0], 2 * pause), AGAIN_SECONDS[1])
                again = now + pause
                self._tries[alarm.name] = alarm, pause, again
                self._try(alarm)
            looks.append(again)
        waiting = [alarm.due_at for alarm in alarms if not alarm.is_due(at)]
        if not self._timer.set(min(waiting, default=None)) and waiting:
            looks.append(now + min(LOOK_SECONDS, max(0.0, min(waiting) - at)))
        self._look_at = min(looks, default=None)

    def _try(self, alarm: Alarm) -> None:
        """Start its program. One that cannot be started is logged, once for each reason, and keeps
        no other from it.
        """
        try:
            self._start(alarm)
        except (OSError, ValueError) as error:  # ValueError: a path that no system accepts
            if self._faults.get(alarm.name) != str(error):
                self._faults[alarm.name] = str(error)
                say(f"the program of alarm {alarm.name} was not started: {error}")
        else:
            self._faults.pop(alarm.name, None)


def _start(place: Place, alarm: Alarm) -> None:
    log = place.home / alarm.log
    arguments = [str(place.root) if argument == ROOT else argument for argument in alarm.arguments]
    # Only the last folder: one of a project that was moved away must not come back.
    log.parent.mkdir(exist_ok=True)
    rotate(log)
    spawn_detached(alarm.module, arguments, log=log, environment=dict(os.environ))
