"""What happens to due times that have passed: a pure decision, so that any clock can be tested."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from .spec import Catchup, Cause, FiringState

ON_TIME = timedelta(seconds=60)
"""A due time that is noticed later than this was missed: the supervisor was not running."""


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
    """What happens to the due times, oldest first, that passed since the last check. Each has
    exactly one verdict by the clock.

    A late one is missed, and stays so in the history; those that the policy catches up have a
    second verdict. busy: how long the checking process has worked since its last check; what came
    due meanwhile was not missed, only noticed late.
    """
    # Within one zone, the two times of an hour that occurs twice are equal.
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
            reason += f" {_remaining_chance(due, now, catchup=catchup, grace=grace)}"
        verdicts.append(Verdict(due, "clock", FiringState.MISSED, reason))
        if due in chosen:
            verdicts.append(Verdict(due, "catchup", FiringState.WAITING))
    return verdicts


def _remaining_chance(due: datetime, now: datetime, *, catchup: Catchup, grace: timedelta) -> str:
    if catchup == "none":
        return "The policy catches up none."
    if now - due > grace:
        return "It was older than the grace period."
    return "Only the latest is caught up."
