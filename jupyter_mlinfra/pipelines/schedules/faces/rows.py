"""One row of a list, for each record."""

from __future__ import annotations

from ....faces.rows import Row, row
from ....faces.words import assigned, beginning, moment, plain, state
from ....jobs import needs_of
from ..spec import Due, Firing, Schedule


@row(Due, noun="due time")
def due(item: Due) -> Row:
    return {"due": item.at, "note": plain(item.note or None)}


@row(Firing, noun="firing")
def firing(item: Firing) -> Row:
    due = item.due[:16].replace("T", " ")
    # It is due in the schedule's zone, and started in the reader's.
    two = due != moment(item.due_at)
    started = moment(item.started_at)
    if two and item.started_at is not None:
        started += f" {item.started_at.astimezone():%:z}"
    return {
        "due": f"{due} {item.due[19:]}".rstrip() if two else due,
        "state": plain(item.state),
        "cause": item.cause,
        "ended": state(item.outcome) if item.outcome else plain(None),
        "run": plain(item.run),
        "job": plain(item.job),
        "started": started,
        "reason": beginning(item.reason, 100),
    }


@row(Schedule)
def schedule(item: Schedule) -> Row:
    last, job = item.last, item.job or {}
    return {
        "schedule": item.name,
        "state": plain(item.state),
        "cron": item.cron,
        "zone": item.tz,
        "next": (
            beginning(item.problem, 100)
            if item.problem
            else plain(item.next[0][:16].replace("T", " ") if item.next else None)
        ),
        "missed": plain(item.missed),
        "last": plain(
            f"{last.due[:16].replace('T', ' ')} {state(last.outcome or last.state)}"
            if last
            else None
        ),
        "starts": beginning(item.what),
        "parameters": beginning(assigned({**job.get("parameters", {}), **item.parameters}), 100),
        "needs": beginning(
            plain(
                {need.name: job[need.name] for need in needs_of() if job.get(need.name) is not None}
            ),
            100,
        ),
    }
