"""Results of rules: as they are kept, and as they are shown later."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from ...core.records import MASK, now
from .checking import result_of
from .checks import Fresh, Unreadable
from .spec import PastResult, Rule, RuleResult, Watch
from .statements import Select
from .words import stored_check


def shown_result(
    rule: Rule, past: PastResult, more: Mapping[str, Any], hidden: set[str]
) -> RuleResult:
    """A result as it was kept, without the values of columns that are hidden now."""
    return RuleResult(
        rule=rule.rule,
        passed=past.passed,
        failed_rows=past.failed_rows,
        sample=_sample(_told(rule.text, rule.columns, hidden), more["sample"], hidden),
        severity=rule.severity,
        rows=past.rows,
        text=rule.text,
        columns=rule.columns,
        error=more["error"],
    )


def kept_result(result: RuleResult, shown: set[str]) -> RuleResult:
    """A result as it is kept: without the values that only one viewer sees."""
    if shown and isinstance(stored_check(result.text), Select):
        return replace(result, sample=[])  # its columns have names of their own
    return replace(result, sample=_sample(result.columns, result.sample, shown))


def _told(text: str, columns: Sequence[str], hidden: set[str]) -> Sequence[str]:
    """The columns of the dataset that a rule is about."""
    check = stored_check(text)
    return sorted(check.named(hidden)) if isinstance(check, Select) else columns


def _sample(
    columns: Sequence[str], rows: Sequence[Mapping[str, Any]], hidden: set[str]
) -> list[dict[str, Any]]:
    """Rows that failed a rule about these columns; none, where that tells of a hidden value."""
    if hidden & set(columns):
        return []
    return [{key: MASK if key in hidden else row[key] for key in row} for row in rows]


def unreadable(rule: Rule) -> RuleResult | None:
    """Why a rule cannot be asked any more; None for one that can be read."""
    check = stored_check(rule.text)
    return result_of(rule, None, None, error=check.why) if isinstance(check, Unreadable) else None


def with_freshness(result: RuleResult, fresh: Watch) -> RuleResult:
    """The result of a rule about freshness, which the commits decide."""
    if not isinstance(check := stored_check(result.text), Fresh):
        return result
    age = None if fresh.last_at is None else (now() - fresh.last_at).total_seconds()
    return replace(result, passed=age is not None and age <= check.seconds)
