"""The records of rules, of their back-tests, and of what was done about an alert."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ..against import REFERENCE
from ..rules.spec import THRESHOLD
from ..spec import Alert


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertChange:
    """One line of an alert's history.

    what: the state that it took, or `acknowledged`, `silenced`, `unsilenced`, `notebook`,
    `retrain`, `rollback`, `undelivered`, `removed`. by: empty for the evaluator. link: a reference,
    such as the pipeline run that was started.
    """

    at: datetime
    what: str
    by: str
    why: str
    link: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertDetail:
    """An alert's page. pipeline: the one that made its model, empty if that is not known. history:
    the newest lines. stands_for: how the alerts of the rule stand, if all of them were asked for;
    this is the worst then. acknowledged: those that were acknowledged just now, this one with them.
    """

    alert: Alert
    deployment: str
    pipeline: str
    history: Sequence[AlertChange]
    changes: int
    code: Mapping[str, str]
    stands_for: str = ""
    acknowledged: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertNotebook:
    """A notebook that was written for an alert. path: below the project."""

    alert: str
    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertRule:
    """A rule. monitor: empty for all; but: monitors that have their own. source: file and line,
    empty for the built-in ones. problem: of a file whose rules are not used; name is the file then.
    against: what drift is against. owner: who looks after its alerts, by the rule or the project.
    kind: how windows are judged; other than `threshold`, by another package.
    """

    name: str
    monitor: str
    but: Sequence[str]
    metric: str
    op: str
    threshold: float | None
    clear: float | None
    for_seconds: float
    keep_firing_seconds: float
    min_rows: int
    severity: str
    group: str
    where: Mapping[str, Sequence[str]]
    by: Sequence[str]
    no_data: str
    inhibited_by: Sequence[str]
    receivers: Sequence[str] | None
    silenced_until: datetime | None
    source: str
    problem: str
    against: str = REFERENCE
    owner: str = ""
    kind: str = THRESHOLD


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleFault:
    """What is wrong in a rule file. line: where, from 1; None if it is the whole file."""

    what: str
    why: str
    fix: str
    line: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftRule:
    """A rule as it is written. place: in its file, from 0; line: where it begins, from 1. values:
    its keys; what `defaults` say is not among them.
    """

    place: int
    line: int
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleDraft:
    """What the text of a rule file means before it is saved. rules: also of a text with faults, if
    it is YAML. metrics: that a rule can compare.
    """

    file: str
    monitor: str
    group: str
    rules: Sequence[DraftRule]
    faults: Sequence[RuleFault]
    metrics: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class RulesEdited:
    """The text of a rule file after a change."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleCheck:
    """A rule file that was checked. rules: their names; empty if there is a fault."""

    file: str
    rules: Sequence[str]
    faults: Sequence[RuleFault]


@dataclass(frozen=True, slots=True, kw_only=True)
class Episode:
    """One time that an alert would have fired. until: None if it would still fire. peak: the worst
    value in it.
    """

    alert: str
    since: datetime
    until: datetime | None
    seconds: float
    peak: float | None
    subject: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleBacktest:
    """What one rule would have done to one monitor.

    fired: how often. firing_seconds: for how long altogether. measured: windows that it could
    judge, of `windows`. episodes: the newest ones first. source: what gave its metric: the payload
    log, the hourly series, or both.
    """

    rule: str
    monitor: str
    severity: str
    fired: int
    firing_seconds: float
    longest_seconds: float
    windows: int
    measured: int
    episodes: Sequence[Episode]
    note: str
    source: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Backtest:
    """A replay of the recorded history. step_seconds: between two evaluations."""

    file: str
    since: datetime
    until: datetime
    step_seconds: float
    rules: Sequence[RuleBacktest]


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """A message to a receiver. state: waiting, delivered or given_up. error: of the last try."""

    id: str
    receiver: str
    state: str
    created_at: datetime
    next_at: datetime | None
    attempts: int
    error: str
