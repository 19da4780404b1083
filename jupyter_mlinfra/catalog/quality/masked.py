"""Rules about masked columns: whether rows pass such a rule tells of their values."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

from ..personal import personal
from .checks import NotNull, References, Unique, Unreadable
from .spec import Rule, RuleResult, RuleState
from .statements import Select

if TYPE_CHECKING:
    from ...core.project import Project
    from .checks import Check


def told(project: Project, dataset: str, check: Check) -> Mapping[str, Collection[str]]:
    """The masked columns of whose values the results of a check tell, by their dataset. That a
    value is there, or is there once, is told of every column.
    """
    if isinstance(check, NotNull | Unique):
        return {}
    if isinstance(check, Select):
        of_all = {name: personal(project, name) or frozenset() for name in check.tables(dataset)}
        named = {name: check.named(columns) for name, columns in of_all.items()}
        return {name: columns for name, columns in named.items() if columns}
    asked = {dataset: set(check.columns)}
    if isinstance(check, Unreadable):  # nobody knows of which
        asked[dataset] = set(personal(project, dataset) or ())
    if isinstance(check, References):
        asked.setdefault(check.dataset, set()).add(check.other)
    found = {name: columns & (personal(project, name) or set()) for name, columns in asked.items()}
    return {name: columns for name, columns in found.items() if columns}


def told_by_new_rows(project: Project, dataset: str, check: Check) -> Mapping[str, Collection[str]]:
    """The masked columns, by their dataset, with whose stored values a check compares those of new
    rows: whether these pass tells which values are stored.
    """
    if isinstance(check, Select):  # `*` and whole rows are not told by names
        found = {name: personal(project, name) or set[str]() for name in check.tables(dataset)}
    elif isinstance(check, Unique):
        found = {dataset: {*check.columns} & (personal(project, dataset) or set[str]())}
    elif isinstance(check, References):
        other = personal(project, check.dataset) or set[str]()
        found = {check.dataset: {check.other} & other}
    else:
        return {}
    return {name: columns for name, columns in found.items() if columns}


def telling_rules(project: Project, dataset: str, rules: Collection[Rule]) -> Collection[str]:
    """The names of the rules that tell of masked values."""
    from .words import stored_check

    return {rule.rule for rule in rules if told(project, dataset, stored_check(rule.text))}


def without_results(rule: Rule) -> RuleState:
    """A rule for who may not see what it tells."""
    last = RuleResult(
        rule=rule.rule,
        passed=False,
        failed_rows=None,
        sample=[],
        severity=rule.severity,
        rows=None,
        text=rule.text,
        columns=rule.columns,
        error="It asks of masked values; its results are only for those who may see them.",
    )
    return RuleState(rule=rule, last=last, history=[], results=0)
