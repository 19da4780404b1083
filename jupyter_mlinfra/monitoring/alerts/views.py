"""Rules as the faces show them."""

from __future__ import annotations

from collections.abc import Iterator

from ...core.records import from_seconds
from ..rules.book import RuleBook, unknown_inhibitors
from ..rules.file import ReadFile
from ..rules.spec import ThresholdRule
from .drafts import fault
from .spec import AlertRule, RuleCheck


def rule(item: ThresholdRule, owner: str) -> AlertRule:
    """The record of a rule. owner: of the project."""
    return AlertRule(
        name=item.name,
        monitor=item.monitor,
        but=item.not_monitors,
        metric=item.metric,
        op=item.op,
        threshold=item.threshold,
        clear=item.clear,
        for_seconds=item.hold_seconds,
        keep_firing_seconds=item.keep_firing_seconds,
        min_rows=item.min_rows,
        severity=item.severity,
        group=item.group,
        where=item.where,
        by=item.by,
        no_data=item.no_data,
        inhibited_by=item.inhibited_by,
        receivers=item.receivers,
        silenced_until=from_seconds(item.silence.until) if item.silence else None,
        source=item.source,
        problem="",
        against=item.against,
        owner=item.owner or owner,
        kind=item.kind,
    )


def problems(book: RuleBook) -> Iterator[AlertRule]:
    """A line for each file whose rules are not used."""
    for name, faults in book.problems.items():
        yield AlertRule(
            name=name,
            monitor="",
            but=(),
            metric="",
            op="",
            threshold=None,
            clear=None,
            for_seconds=0.0,
            keep_firing_seconds=0.0,
            min_rows=0,
            severity="",
            group="",
            where={},
            by=(),
            no_data="",
            inhibited_by=(),
            receivers=None,
            silenced_until=None,
            source=name,
            problem=" ".join(map(str, faults)),
        )


def check(file: ReadFile, book: RuleBook, project: RuleBook) -> RuleCheck:
    """The result of a check. book: of the file with the built-in rules alone. project: of all
    files.
    """
    faults = [*file.faults] or [*book.problems.get(file.name, ())]
    faults = faults or [*unknown_inhibitors(file, project)]
    names = [] if faults else [item.name for item in file.rules]
    return RuleCheck(file=file.name, rules=names, faults=[fault(item) for item in faults])
