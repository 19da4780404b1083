"""A schedule as a CronWorkflow. Argo's calendar is robfig/cron's, which differs from the one here:
times that it would read differently are refused.
"""

from __future__ import annotations

import re
from typing import Any

from cronsim import CronSim

from ...core.errors import MLInfraError, Unprocessable
from ...core.records import now
from ..schedules.spec import ScheduleSpec
from .plan import slug

_PART = re.compile(r"(\*|\?|[0-9A-Za-z]+(-[0-9A-Za-z]+)?)(/[1-9]\d*)?")
_LAST = re.compile(r"L|LW|\d+L", re.IGNORECASE)
_SEVEN = re.compile(r"(^|[,-])7($|[,/-])")
_POLICIES = {"skip": "Forbid", "cancel": "Replace", "queue": "Allow"}


def cron_spec(
    schedule: ScheduleSpec, *, paused: bool, workflow: dict[str, Any], labels: dict[str, str]
) -> dict[str, Any]:
    """What makes a workflow start on a schedule. Raises Unprocessable for what Argo's clock cannot
    do.
    """
    if schedule.catchup == "all":
        why = "It catches up only the newest of the missed due times, not each."
        raise Unprocessable(
            f"Argo cannot keep `catchup: all` of schedule {schedule.name}.",
            why,
            "Set catchup: latest, or none.",
        )
    # For Argo 0 means no deadline at all, so the shortest stands for "none".
    deadline = 1 if schedule.catchup == "none" else max(1, round(schedule.grace_seconds))
    if schedule.overlap == "queue":  # each waits for the lock, in the order they came
        workflow = {**workflow, "synchronization": {"mutexes": [{"name": slug(schedule.name)}]}}
    return {
        "schedules": [crontab(schedule.cron)],
        "timezone": schedule.tz,
        "concurrencyPolicy": _POLICIES[schedule.overlap],
        "startingDeadlineSeconds": deadline,
        "suspend": paused,
        "workflowMetadata": {"labels": dict(labels)},
        "workflowSpec": workflow,
    }


def crontab(text: str) -> str:
    """The cron text for the same days in robfig/cron. Raises Unprocessable if it has no form for
    them.
    """
    fields = text.split()
    for field in fields:
        if any(not _PART.fullmatch(part) or _LAST.fullmatch(part) for part in field.split(",")):
            raise _refused(text, f"Argo's cron does not know {field}.")
    day, week = fields[2], fields[4]
    if not {"*", "?"} & {day, week} and "*" in (day[0], week[0]):
        raise _refused(
            text,
            f"With {day} and {week} set, one of them is enough for Argo; here both must match.",
        )
    if _SEVEN.search(week):  # there Sunday is 0, and 7 is an error
        days = sorted(
            {number % 7 for number in CronSim(text, now()).weekdays if isinstance(number, int)}
        )
        fields[4] = ",".join(map(str, days))
    return " ".join(fields)


def _refused(text: str, why: str) -> MLInfraError:
    return Unprocessable(
        f"Argo cannot keep the times of {text!r}.",
        why,
        "Write it with numbers, lists, ranges and steps; or as two schedules.",
    )
