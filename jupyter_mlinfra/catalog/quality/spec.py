"""The records of rules, their results, and of whether a dataset is late or short."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

Severity = Literal["block", "warn", "quarantine"]
"""What an ingest does with rows that fail: nothing comes in at all; they come in, and the report
says so; they go to quarantine, and the others come in.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule of a dataset. rule: its name, by default its text. text: what it demands, in words.
    columns: those that it is about; none for a rule about the whole dataset.
    """

    dataset: str
    rule: str
    text: str
    severity: Severity
    columns: Sequence[str]
    at: datetime
    user: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleResult:
    """What one rule found. passed: no row fails, or no more than the rule lets fail. failed_rows:
    None where a rule is not about rows, or could not be asked. rows: how many it looked at. sample:
    some of the rows that failed, without the values of columns with personal data. error: why it
    could not be asked; then it has not passed.
    """

    rule: str
    passed: bool
    failed_rows: int | None
    sample: Sequence[Mapping[str, Any]]
    severity: Severity
    rows: int | None
    text: str = ""
    columns: Sequence[str] = ()
    error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PastResult:
    """A result that was kept. snapshot: of the dataset then; empty for an ingest that was refused.
    by: who asked, or `ingest`, which looks at the new rows alone.
    """

    rule: str
    at: datetime
    passed: bool
    failed_rows: int | None
    rows: int | None
    snapshot: str
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """Whether the newest rows came in time, or were as many as usual.

    verdict: unknown while there are too few commits to learn from. expected_by: when new rows count
    as late. expected: the fewest and most rows of a usual commit. measured: rows of the last one.
    n: commits that were learned from. basis: learned (`est`), or from a rule (`target`).
    """

    verdict: Literal["usual", "late", "short", "large", "unknown"]
    why: str
    last_at: datetime | None = None
    expected_by: datetime | None = None
    expected: tuple[int, int] | None = None
    measured: int | None = None
    n: int = 0
    basis: Literal["est", "target"] = "est"


@dataclass(frozen=True, slots=True, kw_only=True)
class QualityReport:
    """What all rules of a dataset found, and whether it is late or short."""

    dataset: str
    snapshot: str | None
    at: datetime
    rules: Sequence[RuleResult]
    freshness: Watch
    volume: Watch


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleState:
    """A rule with what is known of it without asking: its newest result, and the newest of all,
    newest first, as far as they are kept here; `results` counts them all.
    """

    rule: Rule
    last: RuleResult | None
    history: Sequence[PastResult]
    results: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Quality:
    """The rules of a dataset with their newest results; nothing is read for it. at, snapshot: of
    the newest result; None before the first. newest: the dataset's snapshot now.
    """

    dataset: str
    newest: str | None
    snapshot: str | None
    at: datetime | None
    rules: Sequence[RuleState]
    freshness: Watch
    volume: Watch


@dataclass(frozen=True, slots=True, kw_only=True)
class Contract:
    """A data contract that was written or read. rules: how many. left_out: what the other side
    cannot say, a line each.
    """

    dataset: str
    file: str
    rules: int
    left_out: Sequence[str]
