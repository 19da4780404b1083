"""The alarm that has plans looked at, by the supervisor, with or without a server."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, replace

from ...core.database import Database
from ...jobs import ROOT, Alarm, clear_alarm, read_alarms, set_alarm
from .plans import active_plans

NAME = "deployment-plans"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanAlarm:
    """opener: `module:function` that opens the project at a path and has these deployments as
    `.deployments`. rouse: called when it was set, so that the supervisor reads it.
    """

    opener: str = ""
    rouse: Callable[[], None] = lambda: None

    def set(self, connection: sqlite3.Connection, *, at: float, seconds: float) -> bool:
        """Have all plans looked at in so many seconds, in the open transaction; not if none is
        active. Returns whether one is.
        """
        if not active_plans(connection):
            clear_alarm(connection, NAME)
            return False
        alarm = Alarm(
            name=NAME,
            due_at=at + seconds,
            set_at=at,
            module="jupyter_mlinfra.deployments.delivery.driving",
            arguments=["--project", ROOT, "--open", self.opener],
            log="logs/deployments/plans.log",
        )
        set_alarm(connection, alarm)
        return True


def hasten(database: Database, *, at: float) -> bool:
    """Have the plans looked at by `at` (seconds since 1970), if that is before their next look;
    returns whether it is. The supervisor has to be woken then.
    """
    for alarm in read_alarms(database):
        if alarm.name == NAME and alarm.due_at > at:
            with database.write() as connection:
                set_alarm(connection, replace(alarm, due_at=at, set_at=at))
            return True
    return False
