"""Rules, their results, and whether rows come in time."""

from __future__ import annotations

from ....core.refs import reference
from ....faces.cards import Card, card, said
from ....faces.rows import Row, row
from ....faces.words import NONE, beginning, moment, plain
from ...quality.spec import (
    Contract,
    PastResult,
    Quality,
    QualityReport,
    Rule,
    RuleResult,
    Watch,
)


@row(Rule)
def rule(item: Rule) -> Row:
    return {
        "rule": beginning(item.rule),
        "severity": item.severity,
        "demands": NONE if item.text == item.rule else beginning(item.text),
        "added": moment(item.at),
        "by": plain(item.user),
    }


@row(RuleResult)
def rule_result(item: RuleResult) -> Row:
    return {
        "rule": beginning(item.rule),
        "result": "passed" if item.passed else "cannot be asked" if item.error else "failed",
        "severity": item.severity,
        "failed rows": plain(item.failed_rows),
        "of": plain(item.rows),
        "for example": beginning(
            item.error or "; ".join(map(_example, item.sample[:2])) or NONE, 100
        ),
    }


def _example(values: object) -> str:
    pairs = values.items() if isinstance(values, dict) else ()
    return ", ".join(f"{key}={value}" for key, value in pairs)


@row(PastResult)
def past_result(item: PastResult) -> Row:
    return {
        "rule": beginning(item.rule),
        "at": moment(item.at),
        "result": "passed" if item.passed else "failed",
        "failed rows": plain(item.failed_rows),
        "of": plain(item.rows),
        "snapshot": item.snapshot or NONE,
        "by": plain(item.by),
    }


@card(QualityReport)
def _report(item: QualityReport) -> Card:
    facts = {
        "snapshot": plain(item.snapshot),
        "freshness": _watch(item.freshness),
        "volume": _watch(item.volume),
    }
    return Card(
        title=_title(item.dataset, [result.passed for result in item.rules]),
        ref=reference("dataset", item.dataset),
        facts=said(facts),
        rows=[rule_result(result) for result in item.rules],
        note="" if item.rules else _TEACHING.format(item.dataset),
    )


@card(Quality)
def _quality(item: Quality) -> Card:
    facts = {
        "asked": moment(item.at),
        "of snapshot": plain(item.snapshot),
        "freshness": _watch(item.freshness),
        "volume": _watch(item.volume),
    }
    rows = [
        {
            **rule(state.rule),
            "result": NONE if state.last is None else rule_result(state.last)["result"],
            "failed rows": plain(state.last.failed_rows if state.last else None),
        }
        for state in item.rules
    ]
    return Card(
        title=_title(item.dataset, [state.last.passed for state in item.rules if state.last]),
        ref=reference("dataset", item.dataset),
        facts=said(facts),
        rows=rows,
        note="" if item.rules else _TEACHING.format(item.dataset),
    )


@card(Contract)
def _contract(item: Contract) -> Card:
    return Card(
        title=item.file,
        ref=reference("dataset", item.dataset),
        facts={"rules": plain(item.rules)},
        note="\n".join(f"Left out: {line}" for line in item.left_out),
    )


_TEACHING = 'It has no rules. For example: mlinfra catalog rule {} "id not null"'


def _title(dataset: str, passed: list[bool]) -> str:
    if not passed:
        return dataset
    failed = len(passed) - sum(passed)
    return f"{dataset}: {f'{failed} of {len(passed)} rules fail' if failed else 'all rules pass'}"


def _watch(item: Watch) -> str:
    return f"{item.verdict}: {item.why}"
