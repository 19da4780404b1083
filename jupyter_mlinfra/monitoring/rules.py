"""What the rules of a monitor find in a window, and the resulting alerts. Pure functions; `service`
measures and `store` writes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from ..core.records import Number
from .spec import Alert, AlertState, FeatureDrift
from .state import WORST_FIRST, advance

MIN_REQUESTS = 100
"""A share of bad requests is computed over at least this many requests, so that one typing error
raises no alarm.
"""

_ROW = re.compile(r" in row \d+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What a rule found. breached: None if it could not be measured; `text` then says why. text:
    the result in one line.
    """

    rule: str
    severity: str
    threshold: float
    text: str
    value: Number | None = None
    subject: str = ""
    breached: bool | None = None


def unmeasured(rule: str, severity: str, threshold: float, why: str) -> Finding:
    """A rule without data."""
    return Finding(rule=rule, severity=severity, threshold=threshold, text=why)


def drift(drifts: Sequence[FeatureDrift], *, limit: float, min_rows: int, trouble: str) -> Finding:
    """Some input has a PSI at or above `limit`. trouble: why nothing was compared, or empty."""
    worst = max(drifts, key=lambda item: float(item.psi.value or 0)) if drifts else None
    rows = worst.psi.n or 0 if worst else 0
    if trouble or worst is None or rows < min_rows:
        return unmeasured(
            "drift",
            "warning",
            limit,
            trouble or f"{rows:,} rows in the window; {min_rows:,} are needed",
        )
    value = float(worst.psi.value or 0)
    return Finding(
        rule="drift",
        severity="warning",
        threshold=limit,
        text=f"PSI of {worst.feature} is {value:.2f}, limit {limit:g}, over {rows:,} rows",
        value=Number(value=value, n=rows),
        subject=worst.feature,
        breached=value >= limit,
    )


def share(
    rule: str, severity: str, bad: int, requests: int, *, limit: float, reasons: Iterable[str]
) -> Finding:
    """`bad` of `requests` ended as the rule says. reasons: of the bad ones; the most frequent is
    named.
    """
    if not requests:
        return unmeasured(rule, severity, limit, "no request in the window")
    text = (
        f"{bad:,} of {requests:,} requests {'were ' if rule == 'refused' else ''}{rule}, limit"
        f" {100 * limit:g} %"
    )
    most = _most_frequent(reasons)
    return Finding(
        rule=rule,
        severity=severity,
        threshold=limit,
        text=f"{text}; most often: {most}" if bad and most else text,
        value=Number(value=bad / requests, n=requests),
        breached=bad / max(requests, MIN_REQUESTS) >= limit,
    )


def _most_frequent(reasons: Iterable[str]) -> str:
    counts: dict[str, int] = {}
    for reason in reasons:
        text = _ROW.sub("", reason)
        counts[text] = counts.get(text, 0) + 1
    return max(counts, key=lambda reason: counts[reason]) if counts else ""


def alert(
    finding: Finding, previous: Alert | None, *, monitor: str, at: datetime, hold: timedelta
) -> Alert:
    """The alert of a rule after this finding. previous: the previous alert, None at the first
    evaluation.
    """
    old_state, since = (previous.state, previous.since) if previous else (AlertState.OK, at)
    state, since = advance(old_state, since, breached=finding.breached, at=at, hold=hold)
    text, subject = finding.text, finding.subject
    if finding.breached is None and state is AlertState.FIRING:
        text, subject = (
            f"still firing, because it could not be judged again: {text}",
            previous.subject if previous else "",
        )
    elif state is AlertState.PENDING:
        text += f"; fires in {(hold - (at - since)).total_seconds() / 60:.0f} min if it lasts"
    return Alert(
        ref=f"alert:{monitor}/{finding.rule}",
        name=finding.rule,
        monitor=monitor,
        state=state,
        severity=finding.severity,
        value=finding.value,
        threshold=finding.threshold,
        subject=subject,
        since=since,
        evaluated_at=at,
        text=text,
    )


def verdict(alerts: Sequence[Alert]) -> AlertState:
    """The state of a monitor: the worst of its alerts, and no data without any."""
    states = {item.state for item in alerts}
    return next((state for state in WORST_FIRST if state in states), AlertState.NO_DATA)
