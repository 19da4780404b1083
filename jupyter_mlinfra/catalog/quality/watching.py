"""Whether datasets are late, short or large, by their own commits, and whether their rules fail."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from ...core.records import now, to_seconds
from .. import metadata as records
from .checks import Fresh
from .learning import Commit, freshness, newest
from .volumes import volume
from .words import stored_check

if TYPE_CHECKING:
    from ..metadata import Metadata
    from ..spec import Dataset
    from .kept import RuleStore
    from .spec import Rule, Watch


class Watching:
    """Looks at the datasets of one project."""

    def __init__(self, store: RuleStore) -> None:
        self._store = store

    def watches(
        self, dataset: str, metadata: Metadata, rules: Sequence[Rule]
    ) -> tuple[Watch, Watch]:
        """Freshness and volume of a dataset. rules: its rules; one about freshness counts instead
        of what was learned.
        """
        commits = newest([*commits_of(metadata), *self._store.commits([dataset]).get(dataset, ())])
        return freshness(commits, to_seconds(now()), target_of(rules)), volume(commits)

    def marked(self, items: Sequence[tuple[Dataset, Metadata | None]]) -> list[Dataset]:
        """Datasets with what is wrong with them. Metadata: None for one that has none, or whose
        metadata cannot be read.
        """
        names = [item.name for item, _ in items]
        kept, failing = self._store.commits(names), self._store.failing(names)
        targets, at = self._store.targets(names), to_seconds(now())
        marked = []
        for item, metadata in items:
            signs = _failing(failing.get(item.name, ()))
            if metadata is not None:
                commits = newest([*commits_of(metadata), *kept.get(item.name, ())])
                target = target_of(targets.get(item.name, ()))
                signs |= _signs(freshness(commits, at, target), volume(commits))
            marked.append(replace(item, signs=signs))
        return marked


def target_of(rules: Sequence[Rule]) -> float | None:
    """The seconds within which new rows must come, by the strictest rule about it."""
    found = [stored_check(rule.text) for rule in rules]
    return min((check.seconds for check in found if isinstance(check, Fresh)), default=None)


def commits_of(metadata: Metadata) -> list[Commit]:
    """The commits with new rows among the snapshots that a table keeps."""
    found = []
    for entry in records.ancestors(metadata, metadata.get("current-snapshot-id")):
        summary = entry.get("summary") or {}
        total = summary.get("total-records")
        commit = Commit.of(
            str(entry["snapshot-id"]),
            entry["timestamp-ms"] / 1000,
            records.kind_of(entry),
            int(summary.get("added-records", 0)),
            None if total is None else int(total),
            upserted=_upserted(summary),
        )
        if commit is not None:
            found.append(commit)
    return found


def _upserted(summary: Metadata) -> int | None:
    if records.UPDATED not in summary:
        return None
    return int(summary[records.INSERTED]) + int(summary[records.UPDATED])


def _failing(rules: Sequence[str]) -> dict[str, str]:
    if not rules:
        return {}
    more = f" and {len(rules) - 3} more" if len(rules) > 3 else ""
    return {"failing": f"Rules that fail: {', '.join(rules[:3])}{more}."}


def _signs(*watches: Watch) -> dict[str, str]:
    return {
        watch.verdict: watch.why for watch in watches if watch.verdict not in ("usual", "unknown")
    }
