"""All rules of a project: the built-in ones, made from the settings, and those of its files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING

from ...core.documents import find_files
from ...core.errors import MLInfraError, Unprocessable
from ..settings import MonitoringSettings
from .file import SUFFIX, ReadFile, read_file
from .spec import Operator, ThresholdRule

if TYPE_CHECKING:
    from ...core.project import Project

MIN_REQUESTS = 100
"""A share of bad requests is computed over at least this many requests, so that one typing error
raises no alarm.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleBook:
    """problems: by file, what keeps its rules from being used."""

    rules: Sequence[ThresholdRule]
    problems: Mapping[str, Sequence[MLInfraError]]

    def of(self, monitor: str) -> list[ThresholdRule]:
        """The rules of one monitor."""
        return [rule for rule in self.rules if monitor_has(rule, monitor)]


def monitor_has(rule: ThresholdRule, monitor: str) -> bool:
    """Whether a rule is for that monitor."""
    return rule.monitor in ("", monitor) and monitor not in rule.not_monitors


def built_in(settings: MonitoringSettings) -> list[ThresholdRule]:
    """The rules of a project without files."""
    return [
        replace(
            _default(settings, "drift", "psi", settings.psi_alert),
            min_rows=settings.min_rows,
            by=("feature",),
        ),
        replace(
            _default(settings, "failed", "error_fraction", settings.failed_alert),
            share_of_at_least=MIN_REQUESTS,
            severity="critical",
        ),
        replace(
            _default(settings, "refused", "refused_fraction", settings.refused_alert),
            share_of_at_least=MIN_REQUESTS,
        ),
    ]


def _default(
    settings: MonitoringSettings,
    name: str,
    metric: str,
    limit: float,
) -> ThresholdRule:
    return ThresholdRule(
        name=name,
        metric=metric,
        op=Operator.AT_LEAST,
        threshold=limit,
        clear=float(f"{settings.clear_fraction * limit:.6g}"),
        hold_seconds=60 * settings.hold_minutes,
        keep_firing_seconds=settings.keep_firing_seconds,
        min_rows=1,
        group="built-in",
    )


def open_book(project: Project) -> RuleBook:
    """Read every rule file of the project. A broken one keeps none of the others out."""
    settings = project.settings.of(MonitoringSettings)
    files = [
        read_file(path, path.relative_to(project.root).as_posix())
        for path in find_files(project.root, project.home, SUFFIX)
    ]
    return bound(built_in(settings), files, receivers=[*settings.receivers])


def bound(
    rules: Sequence[ThresholdRule], files: Sequence[ReadFile], *, receivers: Sequence[str]
) -> RuleBook:
    """The book of these files over the built-in rules."""
    problems = {file.name: list(file.faults) for file in files if file.faults}
    good: list[ReadFile] = []
    for file in files:
        if not file.faults:
            clashes = [
                *_clashes(file, good),
                *_unknown_receivers(file, receivers),
                *_loops(file, good),
            ]
            if clashes:
                problems[file.name] = clashes
            else:
                good.append(file)
    found = {(rule.name, rule.monitor): rule for rule in rules}
    off: set[tuple[str, str]] = set()
    for file in good:
        off |= {*file.switched_off}
        found |= {(rule.name, rule.monitor): rule for rule in file.rules}
    return RuleBook(
        rules=_arranged([rule for key, rule in found.items() if key not in off], off),
        problems=problems,
    )


def _arranged(rules: Sequence[ThresholdRule], off: set[tuple[str, str]]) -> list[ThresholdRule]:
    """A rule for all monitors leaves out those that have their own, or that switch it off."""
    special = {*off, *((rule.name, rule.monitor) for rule in rules)}
    return [
        rule
        if rule.monitor
        else replace(
            rule,
            not_monitors=tuple(
                sorted(monitor for name, monitor in special if name == rule.name and monitor)
            ),
        )
        for rule in rules
    ]


def _clashes(file: ReadFile, others: Sequence[ReadFile]) -> Iterator[MLInfraError]:
    taken = {(rule.name, rule.monitor): rule.source for other in others for rule in other.rules}
    for rule in file.rules:
        if (elsewhere := taken.get((rule.name, rule.monitor))) is not None:
            path, _, line = rule.source.rpartition(":")
            yield Unprocessable(
                f"{path}, line {line}: rule {rule.name} is in another file too.",
                f"It is also in {elsewhere}.",
                "Give one of them another name, or a monitor of its own.",
            )


def _unknown_receivers(file: ReadFile, known: Sequence[str]) -> Iterator[MLInfraError]:
    for rule in file.rules:
        for name in rule.receivers or ():
            if name not in known:
                path, _, line = rule.source.rpartition(":")
                yield Unprocessable(
                    f"{path}, line {line}: there is no receiver {name}.",
                    f"mlinfra.toml has: {', '.join(known) or 'none'}.",
                    f"Add [monitoring.receivers.{name}], or name another.",
                )


def unknown_inhibitors(file: ReadFile, book: RuleBook) -> Iterator[MLInfraError]:
    """Names after `inhibited_by` that no rule has. They are no reason to leave the rules out: the
    rule may be in a file that is broken now, and nothing is held back by it.
    """
    known = {rule.name for rule in (*book.rules, *file.rules)}
    known |= {name for name, _ in file.switched_off}
    for rule in file.rules:
        for name in rule.inhibited_by:
            if name in known:
                continue
            path, _, line = rule.source.rpartition(":")
            close = get_close_matches(name, sorted(known - {rule.name}), 1)
            broken = f" These files cannot be used: {', '.join(sorted(book.problems))}."
            yield Unprocessable(
                f"{path}, line {line}: rule {rule.name} is inhibited by {name}, which is no rule.",
                f"Rules: {', '.join(sorted(known))}.{broken if book.problems else ''}",
                f"Did you mean {close[0]}?" if close else "Name one of these, or take it out.",
            )


def _loops(file: ReadFile, others: Sequence[ReadFile]) -> Iterator[MLInfraError]:
    """Two rules that hold each other back: nobody would be told of either."""
    held = {rule.name: set(rule.inhibited_by) for item in (*others, file) for rule in item.rules}
    try:
        TopologicalSorter(held).prepare()
    except CycleError as error:
        circle: list[str] = error.args[1]
        rule = next(item for item in file.rules if item.name in circle)
        path, _, line = rule.source.rpartition(":")
        yield Unprocessable(
            f"{path}, line {line}: rule {rule.name} inhibits itself.",
            f"In a circle: {', '.join(circle)}. Nobody would be told of any of them.",
            "Take one `inhibited_by` out.",
        )
