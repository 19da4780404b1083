"""One row of a list, for each record."""

from __future__ import annotations

from ....faces.rows import Row, row
from ....faces.words import NONE, beginning, moment, number, plain, span
from ...rules.spec import THRESHOLD
from ...spec import Alert, AlertSilence
from ..spec import AlertChange, AlertRule, Delivery, Episode, RuleBacktest


@row(Alert)
def alert(item: Alert) -> Row:
    return {
        "alert": item.ref.removeprefix("alert:"),
        "state": plain(item.state),
        "severity": item.severity,
        "value": number(item.value),
        "threshold": plain(item.threshold),
        "text": beginning(f"{item.subject}: {item.text}" if item.count > 1 else item.text, 100),
        "cause": item.cause or NONE,
        "owner": item.owner or NONE,
        "since": moment(item.since),
    }


@row(AlertChange, noun="change")
def change(item: AlertChange) -> Row:
    return {
        "at": moment(item.at),
        "what": item.what,
        "by": item.by or NONE,
        "why": beginning(item.why, 100),
        "link": item.link or NONE,
    }


@row(AlertSilence, noun="silence")
def silence(item: AlertSilence) -> Row:
    return {
        "number": plain(item.number),
        "of": "/".join([item.monitor or "all monitors", item.rule, *(item.labels or ())]),
        "ended" if item.ended_by else "until": moment(item.until),
        "by": item.by,
        "why": beginning(item.why, 100),
    }


@row(AlertRule)
def rule(item: AlertRule) -> Row:
    return {
        "rule": item.name,
        "monitor": item.monitor or "all",
        "fires when": (
            (item.problem and beginning(item.problem, 100))
            or f"{item.metric} {item.op} {plain(item.threshold)}"
            f"{'' if item.kind == THRESHOLD else f' ({item.kind})'}"
        ),
        "clear": plain(item.clear),
        "for": _lasting(item.for_seconds, "at once" if item.metric else NONE),
        "keep firing": _lasting(item.keep_firing_seconds),
        "severity": item.severity or NONE,
        "owner": item.owner or NONE,
        "source": item.source or "built-in",
    }


@row(RuleBacktest, noun="rule")
def backtest(item: RuleBacktest) -> Row:
    return {
        "monitor": item.monitor,
        "rule": item.rule,
        "fired": plain(item.fired),
        "for": _lasting(item.firing_seconds),
        "longest": _lasting(item.longest_seconds),
        "judged": f"{item.measured:,} of {item.windows:,}",
        "newest": moment(item.episodes[0].since) if item.episodes else NONE,
        "source": item.source or NONE,
        "note": item.note or NONE,
    }


@row(Episode, noun="episode")
def episode(item: Episode) -> Row:
    return {
        "alert": item.alert.removeprefix("alert:"),
        "since": moment(item.since),
        "until": moment(item.until),
        "for": span(item.seconds),
        "peak": plain(item.peak),
        "of": item.subject or NONE,
    }


@row(Delivery, noun="delivery")
def delivery(item: Delivery) -> Row:
    return {
        "receiver": item.receiver,
        "state": item.state,
        "made": moment(item.created_at),
        "tries": plain(item.attempts),
        "next": moment(item.next_at),
        "error": beginning(item.error, 100) or NONE,
    }


def _lasting(seconds: float, never: str = NONE) -> str:
    """A duration, or what is said of none."""
    return span(seconds) if seconds else never
