"""The verbs about the rules of a dataset, and about whether its rows come in time."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, get_args

from ...core.display import encodable
from ...core.errors import BadRequest, NotFound
from ...core.events import telling
from ...core.records import Page, now
from ...core.viewer import Reveal
from ..quality.learning import freshness
from ..quality.spec import (
    PastResult,
    Quality,
    QualityReport,
    Rule,
    RuleState,
    Severity,
    Watch,
)
from ..quality.volumes import volume
from .base import Verbs, whole

if TYPE_CHECKING:
    import polars as pl

    from ..names import DatasetName
    from ..quality.asking import Where
    from ..quality.checks import Check
    from ..quality.statements import Select
    from ..tables import ReadTable

_SAMPLE = 5
_HISTORY = 30
_MOST_RULES = 200


class QualityVerbs(Verbs):
    """Rules and watching; a base of `Catalog`."""

    def rule(
        self,
        name: str,
        text: str,
        *,
        severity: Severity = "block",
        as_: str = "",
        reveal: Reveal = True,
    ) -> Rule:
        """Give a dataset a rule: `id not null`, `a, b unique`, `price between 0 and 100`,
        `price >= 0`, `country in FR, DE`, `mail matches ^.+@.+$`,
        `buyer references shop.buyers.id`, `rows >= 1000`, `fresh within 26 h`, a condition such
        as `end >= start and abs(a - b) < 0.1`, or SQL: a SELECT of the rows that fail, or of one
        value that `must be 0`. A name with other signs stands in double quotes. A rule about rows
        may let some of them fail: `id not null, failed rows must be < 5 %` (or `<= 10 rows`).

        severity: what an ingest does with rows that fail: block (nothing comes in), warn (they come
        in, and the report says so) or quarantine (they go there, and the others come in). as_: its
        name, by default its words; a rule of the same name is replaced. reveal: who gives it a rule
        that tells of masked values, which is recorded.

        Raises BadRequest for words that mean nothing, Unprocessable for a rule that cannot be asked
        of the dataset, such as one about a column that it does not have, and Forbidden for one that
        tells of masked values which nobody may see.
        """
        from ..quality.words import demand_of, stored_text

        dataset = whole(name)
        check, allowed = demand_of(text)
        self._check_askable(dataset, check)
        self._check_telling(dataset, check, reveal)
        words = stored_text(check, allowed)
        _check_severity(severity, check, words)
        rule = as_.strip() or words
        if encodable(rule) != rule:
            raise BadRequest(
                f"{rule[:40]!r} cannot be the name of a rule.",
                "It has half of a character (a lone surrogate).",
                "Type the character again.",
            )
        made = Rule(
            dataset=dataset.text,
            rule=rule,
            text=words,
            severity=severity,
            columns=list(check.columns),
            at=now(),
            user=self._project.user,
        )
        self._put([made])
        return made

    def remove_rule(self, name: str, rule: str) -> Rule:
        """Take a rule, by its name, from a dataset, and return it; its results stay. Raises
        NotFound.
        """
        dataset = whole(name)
        found = next((item for item in self._rules.rules(dataset.text) if item.rule == rule), None)
        if found is None:
            raise NotFound(
                f"{dataset.text} has no rule {rule!r}.", fix=f"mlinfra catalog rules {dataset.text}"
            )
        self._rules.remove(dataset.text, rule)
        self._carry(dataset)
        self._tell(dataset, {"rule": rule})
        return found

    def rules(self, name: str, *, reveal: Reveal = True) -> Quality:
        """The rules of a dataset with their newest results, and whether it is late or short; no row
        is read. reveal: False leaves out the results that tell of masked values.
        """
        from ..quality.masked import telling_rules, without_results
        from ..quality.results import shown_result, unreadable

        dataset = self.named(name)
        table = self._tables.find(dataset)
        rules, last = self._rules.rules(dataset.text), self._rules.newest(dataset.text)
        try:
            state, hidden = table.state(), self._hidden(table)
        except NotFound:
            if not rules:
                raise
            state, hidden = None, set()  # rules may wait for their dataset
        states = []
        kept = (
            () if self._revealing.may(reveal) else telling_rules(self._project, dataset.text, rules)
        )
        for rule in rules:
            if rule.rule in kept:
                states.append(without_results(rule))
                continue
            page = self._rules.history(dataset.text, rule.rule, limit=_HISTORY, cursor=None)
            result = unreadable(rule)
            if result is None and rule.rule in last:
                result = shown_result(rule, *last[rule.rule], hidden)
            states.append(RuleState(rule=rule, last=result, history=page.items, results=page.total))
        newest = max((past for past, _ in last.values()), key=lambda past: past.at, default=None)
        fresh, full = self._watches(dataset, rules)
        return Quality(
            dataset=dataset.text,
            newest=state,
            snapshot=newest.snapshot if newest else None,
            at=newest.at if newest else None,
            rules=states,
            freshness=fresh,
            volume=full,
        )

    def results(
        self,
        name: str,
        *,
        rule: str | None = None,
        limit: int = 50,
        cursor: str | None = None,
        reveal: Reveal = True,
    ) -> Page[PastResult]:
        """What the rules of a dataset, or one of them, found earlier, newest first. reveal: as in
        `rules`; False leaves out those of rules that it has no more, too.
        """
        from ..quality.masked import telling_rules

        dataset = whole(name).text
        page = self._rules.history(dataset, rule, limit=limit, cursor=cursor)
        if self._revealing.may(reveal):
            return page
        rules = self._rules.rules(dataset)
        shown = {item.rule for item in rules} - set(telling_rules(self._project, dataset, rules))
        return replace(page, items=[item for item in page.items if item.rule in shown])

    def quality(
        self,
        name: str,
        *,
        reveal: Reveal = False,
        on_progress: Callable[[int, int], None] = lambda *_: None,
    ) -> QualityReport:
        """Run all rules of a dataset, or of one snapshot of it, over all its rows, and keep the
        results. reveal: who sees values of masked columns in the samples, which is recorded; they
        are not kept. on_progress: called with rows read and all rows.
        """
        from ..quality.asking import answered
        from ..quality.checking import Asked, ask
        from ..quality.results import kept_result, with_freshness

        dataset = self.named(name)
        table = self._tables.find(dataset)
        with table.explained():
            state = table.state()
        rules = self._rules.rules(dataset.text)
        total = int(table.record().rows.value or 0)
        with table.explained():
            masked = self._hidden(table)
            shown = self._unmasked(table, rules, masked, reveal)
            snapshot = state if state and not table.record().domain else None
            asked = Asked(
                rows=(self._tables.find(dataset.at(snapshot)) if snapshot else table).scan(),
                others=self._rows_of,
                select=lambda check: answered(
                    check, self._selecting(dataset, check, shown, snapshot)
                ),
                staging=lambda: self._project.folder("staging"),
                hidden=masked - shown,
                sample=_SAMPLE,
                uuids=table.uuids(),
            )
            results = ask(rules, asked, lambda rows: on_progress(rows, total))
        fresh, full = self._watches(dataset, rules)
        results = [with_freshness(result, fresh) for result in results]
        report = QualityReport(
            dataset=dataset.text,
            snapshot=snapshot,
            at=now(),
            rules=results,
            freshness=fresh,
            volume=full,
        )
        kept = [kept_result(result, shown) for result in results]
        self._rules.record(dataset.text, state or "", report.at, kept, self._project.user)
        self._tell(dataset, {"failed": [item.rule for item in results if not item.passed]})
        return report

    def _put(self, rules: Sequence[Rule]) -> None:
        for dataset in {rule.dataset for rule in rules}:
            names = {rule.rule for rule in [*self._rules.rules(dataset), *rules]}
            if len(names) > _MOST_RULES:
                raise BadRequest(
                    f"{dataset} would have {len(names)} rules.", f"The most is {_MOST_RULES}."
                )
        self._rules.put(rules)
        for dataset in {rule.dataset for rule in rules}:
            self._carry(whole(dataset))
        for rule in rules[:1]:
            self._tell(whole(rule.dataset), {"rule": rule.rule})

    def _carry(self, dataset: DatasetName) -> None:
        """Let the table say its rules to jobs on other machines; only own ones can."""
        from ..quality.carried import carry

        try:
            is_own = not self._tables.find(dataset).record().domain
        except NotFound:
            return
        if is_own:
            carry(self._store, dataset, lambda: self._rules.rules(dataset.text, certain=True))

    def _check_askable(self, dataset: DatasetName, check: Check) -> None:
        """Raise Unprocessable if a check cannot be asked of the columns that the dataset has; of a
        dataset that does not exist yet, nothing is known.
        """
        from ..quality.checks import ROW_CHECKS, References, check_columns
        from ..quality.statements import Select
        from ..quality.trying import try_on

        if isinstance(check, Select):
            self._check_select(dataset, check)
            return
        try:
            schema = self._tables.find(dataset).scan().collect_schema()
        except NotFound:
            return
        check_columns(check.columns, schema)
        if isinstance(check, ROW_CHECKS):
            try_on(check, schema)
        if isinstance(check, References):
            from ..quality.among import comparable

            other = self._rows_of(check.dataset)
            what = f"column {check.other!r} of {check.dataset}"
            rows = self._tables.find(dataset).scan()
            comparable(rows, check.column, other, check.other, what=what)

    def _check_select(self, dataset: DatasetName, check: Select) -> None:
        """As `_check_askable`; in the Jupyter server it runs in a process of its own."""
        if self._children is not None:
            from ..apart.asking import check_apart

            check_apart(self._children, self._project, dataset, check)
        else:
            from ..quality.selecting import Selecting

            Selecting(self._project, self._tables).check(dataset, check)

    def _check_telling(self, dataset: DatasetName, check: Check, reveal: Reveal) -> None:
        from ..quality.masked import told

        for name, columns in told(self._project, dataset.text, check).items():
            self._revealing.ask(name, columns, reveal)

    def _selecting(
        self,
        dataset: DatasetName,
        check: Select,
        shown: Collection[str] = (),
        snapshot: str | None = None,
    ) -> Where:
        """Where a rule in SQL is asked. snapshot: of the dataset, instead of the newest."""
        from ..quality.selecting import Selecting

        mine = self._tables.find(dataset.at(snapshot)) if snapshot else self._tables.find(dataset)
        selecting = Selecting(self._project, self._tables)
        return selecting.where(dataset.whole, check, mine, shown=shown)

    def _rows_of(self, name: str) -> pl.LazyFrame:
        """The rows of another dataset that a rule names."""
        return self._tables.find(self.own(name)).scan()

    def _hidden(self, table: ReadTable) -> set[str]:
        """The columns whose values are not shown."""
        columns = [column.name for column in table.detail().schema]
        return {*table.masked(columns), *table.personal(columns)}

    def _unmasked(
        self, table: ReadTable, rules: Sequence[Rule], masked: set[str], reveal: Reveal
    ) -> set[str]:
        """The masked columns whose values the viewer sees in the samples, which are whole rows; it
        is written down.
        """
        self._revealing.check(reveal)
        if not reveal or not rules:
            return set()
        return masked - {*self._revealing.hidden(table, sorted(masked), reveal, verb="quality")}

    def _watches(self, dataset: DatasetName, rules: Sequence[Rule]) -> tuple[Watch, Watch]:
        """Freshness and volume; unknown for what has no snapshots."""
        if self._tables.find(dataset).record().domain:
            return freshness([], 0.0), volume([])
        try:
            metadata = self._store.metadata(self._store.entry(dataset))
        except NotFound:
            return freshness([], 0.0), volume([])
        return self._watching.watches(dataset.text, metadata, rules)

    def _tell(self, dataset: DatasetName, data: dict[str, Any]) -> None:
        with telling(f"the rules of {dataset.text} have changed or were asked"):
            self._project.events.emit("dataset", dataset.ref, data)


def _check_severity(severity: str, check: Check, text: str) -> None:
    from ..quality.checks import ROW_CHECKS

    if severity not in get_args(Severity):
        raise BadRequest(
            f"{severity!r} is not a severity.", fix=f"Severities: {', '.join(get_args(Severity))}."
        )
    if severity == "quarantine" and not isinstance(check, ROW_CHECKS):
        raise BadRequest(
            f"{text!r} cannot set rows aside.",
            "Which rows fail is known only when all of them have come in.",
            "Use --severity block or warn.",
        )
