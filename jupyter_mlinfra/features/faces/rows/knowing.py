"""What is known of a view."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ....faces.cards import Card, card, said
from ....faces.rows import Row, row
from ....faces.words import counted, datum, moment, number, plain, share, span, state
from ...knowing.spec import (
    Explained,
    FeatureFigures,
    HeldWindow,
    JudgedRow,
    ViewComparison,
    ViewStatistics,
)
from ...knowing.uses import Use


@card(Explained)
def _explained(item: Explained) -> Card:
    facts = {
        **{key: datum(value) for key, value in item.entity.items()},
        "at": moment(item.at),
        "ttl": span(item.ttl_seconds),
        **({} if item.windows else {"taken": _taken(item)}),
        **{window.feature: _window(window) for window in item.windows},
        "rows": ", ".join(f"{plain(count)} {_word(name)}" for name, count in item.verdicts.items()),
    }
    left = item.total - item.shown
    notes = [item.note, f"{left:,} more rows are further away in time." if left > 0 else ""]
    return Card(
        title=item.view,
        facts=said(facts),
        rows=[_row(found) for found in item.rows],
        note=" ".join(filter(None, notes)),
    )


def _taken(item: Explained) -> str:
    return moment(item.taken.event_at) if item.taken else "no row"


def _window(item: HeldWindow) -> str:
    since = moment(item.start) if item.start else "the beginning"
    empty = f", {item.without:,} without a value" if item.without else ""
    return (
        f"{datum(item.value)} = {item.function} of {item.column} in {counted(item.rows, 'row')}"
        f"{empty}, from {since} to before {moment(item.end)}"
    )


def _row(item: JudgedRow) -> Row:
    return {
        "event time": moment(item.event_at),
        "written at": moment(item.created_at),
        **{name: _value(value) for name, value in item.values.items()},
        "verdict": _word(item.verdict),
        "why": item.why,
    }


def _word(verdict: str) -> str:
    return verdict.replace("_", " ")


def _value(value: Any) -> str:
    return datum(value)


@card(ViewStatistics)
def _statistics(item: ViewStatistics) -> Card:
    facts = {
        "rows": number(item.rows),
        "told from": item.told_from,
        "ttl": span(item.ttl_seconds),
        **({"drift since": moment(item.training.last)} if item.training else {}),
        "skew": _skew(item),
        **({"problem": f"{item.problem} {item.fix}".strip()} if item.problem else {}),
    }
    columns = item.profile.columns if item.profile else {}
    rows = [_figures(found, columns) for found in item.features]
    return Card(title=item.view, ref=item.ref, facts=said(facts), rows=rows, note=item.no_drift)


def _skew(item: ViewStatistics) -> str:
    if item.skew is None:
        return f"never compared: mlinfra features check {item.view}"
    wrong = item.skew.different + item.skew.missing_online
    return f"{wrong:,} of {item.skew.compared + item.skew.missing_online:,}"


def _figures(item: FeatureFigures, columns: Mapping[str, Any]) -> Row:
    profile = columns.get(item.name)
    return {
        "feature": item.name,
        "type": profile.type if profile else "",
        "fill": share(item.fill),
        "newest": moment(item.newest),
        "fresh": state(item.freshness),
        "mean": datum(profile.mean) if profile else "",
        "min": datum(profile.min) if profile else "",
        "max": datum(profile.max) if profile else "",
        "drift (PSI)": number(item.drift),
        "skew": share(item.skew),
    }


@card(ViewComparison)
def _comparison(item: ViewComparison) -> Card:
    rows: list[Row] = [
        *(_change(f"feature {name}", "", "added") for name in item.added),
        *(_change(f"feature {name}", "", "removed") for name in item.removed),
        *(_change(f"type of {name}", types[0], types[-1]) for name, types in item.retyped.items()),
        *(_change(change.what, change.before, change.after) for change in item.changes),
        *_lines(item.code),
    ]
    note = "" if rows else "They do not differ."
    return Card(title=f"{item.before} and {item.after}", rows=rows, note=note)


def _change(what: str, before: str, after: str) -> Row:
    return {"what": what, "before": before, "after": after}


def _lines(diff: str) -> list[Row]:
    """The lines of code that went and came."""
    found = diff.splitlines()[2:]  # after the two names
    return [
        _change("code", line[1:], "") if line[0] == "-" else _change("code", "", line[1:])
        for line in found
        if line[:1] in ("-", "+")
    ]


@row(Use, noun="use")
def use(item: Use) -> Row:
    return {
        "what": item.kind,
        "name": item.name,
        "alias": plain(item.aliases),
        "features": plain(item.features),
    }
