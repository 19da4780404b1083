"""What becomes of due times once the clock has passed them: a pure decision, so that every clock
can be tried.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from .spec import Catchup, Cause, FiringState

ON_TIME = timedelta(seconds=60)
"""A due time that is seen later than this was missed: the supervisor was not there."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """One row of a schedule's history."""

    due: datetime
    cause: Cause
    state: FiringState
    reason: str = ""


def decide(
    dues: Sequence[datetime],
    now: datetime,
    *,
    catchup: Catchup,
    grace: timedelta,
    busy: timedelta = timedelta(),
) -> list[Verdict]:
    """What becomes of the due times, oldest first, that passed since the last look. Each has
    exactly one verdict by the clock.

    One that is late is missed, and stays so in the history. Those that the policy makes up for have
    a second verdict. busy: how long whoever looks has been at work since the last look; what came
    due meanwhile was not missed, only looked at late.
    """
    # Within a zone, the two times of an hour that comes twice are equal.
    dues = [due.astimezone(UTC) for due in dues]
    missed = [due for due in dues if now - due > ON_TIME + busy]
    within = [due for due in missed if now - due <= grace]
    latest = within[-1:] if len(missed) == len(dues) else []  # one that is on time is the latest
    chosen = set({"all": within, "latest": latest, "none": []}[catchup])
    verdicts: list[Verdict] = []
    for due in dues:
        if now - due <= ON_TIME + busy:
            verdicts.append(Verdict(due, "clock", FiringState.WAITING))
            continue
        reason = "The supervisor did not run, or the machine was off."
        if due not in chosen:
            reason += f" {_left(due, now, catchup=catchup, grace=grace)}"
        verdicts.append(Verdict(due, "clock", FiringState.MISSED, reason))
        if due in chosen:
            verdicts.append(Verdict(due, "catchup", FiringState.WAITING))
    return verdicts


def _left(due: datetime, now: datetime, *, catchup: Catchup, grace: timedelta) -> str:
    if catchup == "none":
        return "The policy makes up for none."
    if now - due > grace:
        return "It was older than the grace."
    return "Only the latest is made up for."
