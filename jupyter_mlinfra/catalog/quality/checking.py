"""All rules of a table asked of all of its rows, which are read once, block by block; rules that
look at several rows read the columns that they need.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from ...core.frames import exactly
from ...core.records import MASK
from ..odd_times import python_values
from ..rows import height, plain
from ..uuids import Uuids, with_text
from .among import homeless, repeated
from .checks import ROW_CHECKS, Check, References, RowCount, Unique, check_columns
from .screening import Screen, said
from .spec import Rule, RuleResult
from .statements import Select
from .words import allowance_of, stored_check

if TYPE_CHECKING:
    import polars as pl

    from .asking import Answered

BLOCK = 1 << 17
OnRows = Callable[[int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is asked. rows: of the table. others: the rows of another dataset, by its name. select:
    asks a rule in SQL. staging: where hashes of values wait, if they are many. hidden: columns
    whose values are not shown. sample: how many rows of those that fail are shown. uuids: columns
    with the bytes of UUIDs.
    """

    rows: pl.LazyFrame
    others: Callable[[str], pl.LazyFrame]
    select: Callable[[Select], Answered]
    staging: Callable[[], Path]
    hidden: Collection[str]
    sample: int
    uuids: Uuids = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class _Found:
    """What one rule found. passed: of a rule that is not about rows. bad: the rows that failed,
    lazily; None if it is not about rows.
    """

    failed: int | None
    passed: bool = False
    bad: Callable[[], pl.LazyFrame] | None = None


def ask(rules: Sequence[Rule], asked: Asked, on_rows: OnRows = lambda _: None) -> list[RuleResult]:
    """The result of each rule, in order. A rule that cannot be asked has not passed, and says why;
    it does not hide the others. on_rows: called with the rows that were read so far.
    """
    checks = {rule.rule: stored_check(rule.text) for rule in rules}
    screen, total = _screened(checks, asked.rows, on_rows)
    results = []
    for rule in rules:
        check = checks[rule.rule]
        if why := screen.errors.get(rule.rule):
            results.append(result_of(rule, None, total, error=why))
            continue
        try:
            results.append(_asked(rule, check, screen, asked, total))
        except Exception as error:  # noqa: BLE001 - one rule must not hide the others
            results.append(result_of(rule, None, total, error=said(error)))
    return results


def _asked(rule: Rule, check: Check, screen: Screen, asked: Asked, total: int) -> RuleResult:
    """What one rule found."""
    if isinstance(check, Select):
        answer = asked.select(check)
        sample, failed = answer.sample, answer.failed
        return result_of(rule, failed, total, passed=answer.passed, sample=sample)
    found = _found(rule.rule, check, screen, asked, total)
    failed, sample = found.failed, _sample(found, check, asked)
    passed = found.passed if failed is None else allowance_of(rule.text).holds(failed, total)
    return result_of(rule, failed, total, passed=passed, sample=sample)


def result_of(
    rule: Rule,
    failed: int | None,
    rows: int | None,
    *,
    passed: bool = False,
    sample: Sequence[Mapping[str, Any]] = (),
    error: str = "",
) -> RuleResult:
    """A result of a rule."""
    return RuleResult(
        rule=rule.rule,
        passed=passed,
        failed_rows=failed,
        sample=sample,
        severity=rule.severity,
        rows=rows,
        text=rule.text,
        columns=rule.columns,
        error=error,
    )


def _screened(
    checks: Mapping[str, Check], rows: pl.LazyFrame, on_rows: OnRows
) -> tuple[Screen, int]:
    """The rules about single rows, asked of all rows; and how many rows there are."""
    schema = rows.collect_schema()
    single = {name: check for name, check in checks.items() if isinstance(check, ROW_CHECKS)}
    screen = Screen(single, schema)
    if not screen.columns:
        return screen, height(rows)
    needed = rows.select([exactly(name) for name in screen.columns])
    for block in needed.collect_batches(chunk_size=BLOCK, engine="streaming"):
        screen.add(block)
        on_rows(screen.rows)
    return screen, screen.rows


def _found(name: str, check: Check, screen: Screen, asked: Asked, total: int) -> _Found:
    rows = asked.rows
    match check:
        case Unique(columns):
            check_columns(columns, rows.collect_schema())
            found = repeated(rows, columns, total, asked.staging)
            return _Found(found.count, bad=lambda: found.among(rows, asked.sample))
        case References(column, dataset, other):
            check_columns([column], rows.collect_schema())
            what = f"column {other!r} of {dataset}"
            others = asked.others(dataset)
            in_all = total + height(others)
            staging = asked.staging
            found = homeless(rows, column, others, other, what=what, total=in_all, staging=staging)
            return _Found(found.count, bad=lambda: found.among(rows, asked.sample))
        case RowCount():
            return _Found(None, check.holds(total))
        case _ if isinstance(check, ROW_CHECKS):
            passes = screen.expression(name).fill_null(value=True)
            return _Found(screen.failed[name], bad=lambda: rows.filter(~passes))
    return _Found(None, passed=True)  # freshness is asked of the commits


def _sample(found: _Found, check: Check, asked: Asked) -> list[dict[str, Any]]:
    """Some of the rows that failed; none where that tells of a hidden value."""
    if not found.failed or found.bad is None or not asked.sample:
        return []
    if set(check.columns) & set(asked.hidden):
        return []
    rows = found.bad().head(asked.sample)
    schema = rows.collect_schema()
    rows = with_text(rows, {name: kind for name, kind in asked.uuids.items() if name in schema})
    bad = rows.collect(engine="streaming")
    columns = {
        item.name: [MASK] * bad.height
        if item.name in asked.hidden
        else [plain(value) for value in python_values(item)]
        for item in bad.iter_columns()
    }
    return [
        dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)
    ]
