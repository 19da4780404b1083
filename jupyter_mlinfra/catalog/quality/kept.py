"""Rules of datasets and their results, in `state.db`."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from ...core.errors import Unavailable
from ...core.records import Page, check_limit, from_seconds, next_cursor, parse_cursor, to_seconds
from .learning import Commit
from .spec import PastResult, Rule, RuleResult
from .statements import Select
from .words import stored_check

if TYPE_CHECKING:
    import sqlite3

    from ...core.project import Project

KEPT = 500
"""Results of each rule that are kept."""

_TELLS_VALUES = re.compile(
    r"The query (?:failed|cannot be run)\. (?!(?:Binder|Parser|Catalog) Error: )"
)
"""What an error of a query, asked of rows, begins with: it may repeat their values, and a column of
theirs may be tagged as personal data later. What the engine says before it reads a row tells none.
"""

_NEWEST = "SELECT max(id) FROM catalog_result WHERE dataset = :dataset GROUP BY rule"


class RuleStore:
    """Those of one project. Where its state cannot be opened, as in a job on another machine, there
    are none.
    """

    def __init__(self, project: Project) -> None:
        self._project = project

    def rules(self, dataset: str, *, certain: bool = False) -> list[Rule]:
        """The rules of a dataset, in the order in which they were added. certain: whether to raise
        Unavailable where the state cannot be read.
        """
        query = "SELECT * FROM catalog_rule WHERE dataset = ? ORDER BY at, rule"
        return [_rule(row) for row in self._rows(query, dataset, certain=certain)]

    def targets(self, datasets: Collection[str]) -> Mapping[str, list[Rule]]:
        """The rules about freshness, by dataset."""
        found: dict[str, list[Rule]] = {}
        query = (
            "SELECT * FROM catalog_rule WHERE definition LIKE '%fresh%within%'"
            " AND dataset IN (SELECT value FROM json_each(?))"
        )
        for row in self._rows(query, json.dumps(list(datasets))):
            found.setdefault(row["dataset"], []).append(_rule(row))
        return found

    def put(self, rules: Sequence[Rule]) -> None:
        """Add rules; one with the name of another takes its place."""
        with self._project.database.write() as connection:
            connection.executemany(
                "INSERT INTO catalog_rule (dataset, rule, definition, severity, at, user)"
                " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (dataset, rule) DO UPDATE SET"
                " definition = excluded.definition, severity = excluded.severity,"
                " at = excluded.at, user = excluded.user",
                [
                    (
                        rule.dataset,
                        rule.rule,
                        json.dumps({"text": rule.text}),
                        rule.severity,
                        to_seconds(rule.at),
                        rule.user,
                    )
                    for rule in rules
                ],
            )

    def remove(self, dataset: str, rule: str) -> None:
        """Remove a rule; its results stay."""
        with self._project.database.write() as connection:
            connection.execute(
                "DELETE FROM catalog_rule WHERE dataset = ? AND rule = ?", (dataset, rule)
            )

    def record(
        self, dataset: str, snapshot: str, at: datetime, results: Sequence[RuleResult], by: str
    ) -> None:
        """Keep results; of each rule the newest `KEPT`."""
        with self._project.database.write() as connection:
            for result in results:
                connection.execute(
                    "INSERT INTO catalog_result"
                    " (dataset, snapshot, rule, at, passed, failed_rows, rows, sample, by)"
                    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                    (
                        dataset,
                        snapshot,
                        result.rule,
                        to_seconds(at),
                        result.passed,
                        result.failed_rows,
                        result.rows,
                        _sample(dataset, result),
                        by,
                    ),
                )
                connection.execute(
                    "DELETE FROM catalog_result WHERE dataset = ? AND rule = ? AND id <="
                    " (SELECT id FROM catalog_result WHERE dataset = ? AND rule = ?"
                    " ORDER BY id DESC LIMIT 1 OFFSET ?)",
                    (dataset, result.rule, dataset, result.rule, KEPT),
                )

    def forget_samples(self, dataset: str) -> None:
        """Remove the rows of a dataset that are kept beside results, also those of rules of other
        datasets, and what errors said of them.
        """
        with self._project.database.write() as connection:
            connection.execute(
                "UPDATE catalog_result SET sample = :none WHERE dataset = :dataset OR EXISTS"
                " (SELECT 1 FROM json_each(sample, '$.reads') WHERE value = :dataset)",
                {"none": json.dumps({"sample": [], "error": ""}), "dataset": dataset},
            )

    def history(
        self, dataset: str, rule: str | None = None, *, limit: int, cursor: str | None
    ) -> Page[PastResult]:
        """Results that are kept, newest first."""
        check_limit(limit)
        start = parse_cursor(cursor)
        where = "dataset = ? AND (? IS NULL OR rule = ?)"
        values = (dataset, rule, rule)
        total = next(self._rows(f"SELECT count(*) FROM catalog_result WHERE {where}", *values), [0])  # noqa: S608  # bound
        rows = self._rows(
            f"SELECT * FROM catalog_result WHERE {where} ORDER BY id DESC LIMIT ? OFFSET ?",  # noqa: S608  # bound
            *values,
            limit,
            start,
        )
        items = [_past(row) for row in rows]
        cursor = next_cursor(start, len(items), total[0])
        return Page(items=items, shown=len(items), total=total[0], cursor=cursor)

    def newest(self, dataset: str) -> Mapping[str, tuple[PastResult, Mapping[str, Any]]]:
        """The newest result of each rule, with its sample and error."""
        query = f"SELECT * FROM catalog_result WHERE id IN ({_NEWEST})"  # noqa: S608  # bound
        return {
            row["rule"]: (_past(row), _told(json.loads(row["sample"])))
            for row in self._rows(query, {"dataset": dataset})
        }

    def failing(self, datasets: Collection[str]) -> Mapping[str, list[str]]:
        """The rules that failed when they were last run, by dataset."""
        found: dict[str, list[str]] = {}
        query = (
            "SELECT dataset, rule FROM catalog_result JOIN catalog_rule USING (dataset, rule)"
            " WHERE dataset IN (SELECT value FROM json_each(?)) GROUP BY dataset, rule"
            " HAVING catalog_result.id = max(catalog_result.id) AND NOT passed"
        )
        for dataset, rule in self._rows(query, json.dumps(list(datasets))):
            found.setdefault(dataset, []).append(rule)
        return found

    def commits(self, datasets: Collection[str]) -> Mapping[str, list[Commit]]:
        """The commits that are kept although their snapshots expired, by dataset."""
        found: dict[str, list[Commit]] = {}
        query = (
            "SELECT dataset, snapshot, at, operation, added, total FROM catalog_commit WHERE"
            " dataset IN (SELECT value FROM json_each(?))"
        )
        for row in self._rows(query, json.dumps(list(datasets))):
            commit = Commit.of(*row[1:])
            if commit is not None:
                found.setdefault(row["dataset"], []).append(commit)
        return found

    def _rows(self, query: str, *values: Any, certain: bool = False) -> Iterator[sqlite3.Row]:
        if not (self._project.home / self._project.state.name).exists():
            return  # a list of datasets makes no state
        bound = values[0] if len(values) == 1 and isinstance(values[0], dict) else values
        rows: list[sqlite3.Row] = []
        unread = () if certain else (Unavailable,)
        with contextlib.suppress(*unread), self._project.database.read() as connection:
            rows = connection.execute(query, bound).fetchall()
        yield from rows


def _rule(row: sqlite3.Row) -> Rule:
    text = _text(row["definition"])
    return Rule(
        dataset=row["dataset"],
        rule=row["rule"],
        text=text,
        severity=row["severity"],
        columns=list(stored_check(text).columns),
        at=from_seconds(row["at"]),
        user=row["user"],
    )


def _text(definition: str) -> str:
    """The words of a rule; none where they cannot be read."""
    try:
        return str(json.loads(definition)["text"])
    except (ValueError, KeyError, TypeError):
        return ""


def _sample(dataset: str, result: RuleResult) -> str:
    """What is kept beside a result. reads: the other datasets that it may tell of."""
    check = stored_check(result.text)
    reads = check.tables(dataset) - {dataset} if isinstance(check, Select) else ()
    found = {"sample": list(result.sample), "error": result.error, "reads": sorted(reads)}
    return json.dumps(_told(found))


def _told(kept: dict[str, Any]) -> dict[str, Any]:
    """What is kept beside a result, with no error that may tell values: earlier versions kept
    those.
    """
    if not _TELLS_VALUES.match(kept["error"]):
        return kept
    return kept | {"error": "The query fails. Run the rules to see why: it is not kept."}


def _past(row: sqlite3.Row) -> PastResult:
    return PastResult(
        rule=row["rule"],
        at=from_seconds(row["at"]),
        passed=bool(row["passed"]),
        failed_rows=row["failed_rows"],
        rows=row["rows"],
        snapshot=row["snapshot"],
        by=row["by"],
    )
