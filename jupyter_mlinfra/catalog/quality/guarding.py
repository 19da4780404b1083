"""Rules at a write: new rows are looked at block by block on their way into the data files, and the
commit does not happen if a rule that blocks fails.

Values that must be unique, or be in another dataset, are set aside on disk until the last row was
read, and are compared then with those that the dataset has. A commit of another writer in between
makes the write start again.
"""

from __future__ import annotations

import contextlib
import shlex
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, cast

from ...core.errors import NotFound, Unprocessable
from ...core.frames import exactly
from .. import metadata as records
from ..fitting import Failed, but
from .among import homeless, repeated
from .checking import result_of
from .checks import ROW_CHECKS, References, RowCount, Unique, check_columns
from .present import Present
from .screening import Screen, said
from .spec import Rule, RuleResult
from .statements import Select
from .words import allowance_of, stored_check

if TYPE_CHECKING:
    import polars as pl

    from ..uuids import Uuids
    from .asking import Answered

_NUMBER = "\0number"  # no column can have this name
_LATE = (Unique, References, RowCount, Select)
"""Checks that the last row decides."""


class Guard:
    """The rules of one dataset at one write. present: asked for the dataset as it is; raises
    NotFound for a new one. others: the rows of another dataset. select: asks a rule in SQL of the
    rows that the dataset will have. folder: an empty one, for values that wait. key: columns of an
    upsert. results: after `check`. refused: whether the rules have refused the rows.
    """

    def __init__(
        self,
        name: str,
        rules: Sequence[Rule],
        *,
        mode: str,
        key: Sequence[str],
        present: Callable[[], Present],
        others: Callable[[str], pl.LazyFrame],
        select: Callable[[Select, pl.LazyFrame, Uuids], Answered],
        folder: Path,
    ) -> None:
        self._name, self._rules = name, rules
        self._checks = {rule.rule: stored_check(rule.text) for rule in rules}
        self._aside = [rule.rule for rule in rules if rule.severity == "quarantine"]
        self._mode, self._key = mode, tuple(key)
        self._present, self._others, self._folder = present, others, folder
        self._select = select
        self._screen: Screen | None = None
        self._rows = 0
        self._schema: Mapping[str, pl.DataType] = {}
        self._kept: list[Path] = []
        self._looked, self._found = False, cast("Present | None", None)
        self.results: list[RuleResult] = []
        self.refused = False

    def begin(self, schema: Mapping[str, pl.DataType]) -> None:
        """The rows are read from the beginning. schema: theirs."""
        self._screen, self._rows, self.results = None, 0, []
        self._schema = schema
        self._kept.clear()
        shutil.rmtree(self._folder, ignore_errors=True)
        self._folder.mkdir(parents=True, mode=0o700)

    def block(self, rows: pl.DataFrame) -> list[Failed]:
        """Look at rows that are about to come in; returns those that must not."""
        if self._screen is None:
            single = {
                name: check for name, check in self._checks.items() if isinstance(check, ROW_CHECKS)
            }
            self._screen = Screen(single, rows.schema)
        found = self._screen.add(rows)
        failed = [] if found is None else self._set_aside(found)
        kept = rows if not failed else rows.filter(but([row.place for row in failed], rows.height))
        self._rows += kept.height
        if columns := self._waiting(rows.columns):
            path = self._folder / f"{len(self._kept):06}.parquet"
            kept.select([exactly(name) for name in columns]).write_parquet(path, compression="lz4")
            self._kept.append(path)
        return failed

    def check(self) -> None:
        """After the last row: raise Unprocessable if a rule that blocks has failed."""
        self._looked, self._found = False, None
        self.results = [self._result(rule) for rule in self._rules]
        failed = [item for item in self.results if not item.passed and item.severity == "block"]
        self.refused = bool(failed)
        if not failed:
            return
        lines = [_line(item) for item in failed]
        raise Unprocessable(
            f"{self._name} was not written: {len(failed)} of its rules"
            f" {'fails' if len(failed) == 1 else 'fail'}.",
            f"{'; '.join(lines)}.",
            f"Mend the rows. Or let them in with a warning: {self._let_in(failed[0])}",
        )

    def _let_in(self, failed: RuleResult) -> str:
        """The command by which rows that fail a rule come in, or are set aside."""
        command = ["mlinfra", "catalog", "rule", self._name, failed.text]
        named = [] if failed.rule == failed.text else ["--as", failed.rule]
        can_set_aside = isinstance(self._checks[failed.rule], ROW_CHECKS)
        aside = " (or set them aside: --severity quarantine)" if can_set_aside else ""
        return shlex.join([*command, *named, "--severity", "warn"]) + aside

    def stale(self, metadata: records.Metadata) -> bool:
        """Whether another commit has come since the rows were compared with those of the
        dataset.
        """
        compared = any(
            isinstance(check, Unique | RowCount | Select) for check in self._checks.values()
        )
        seen = self._found.snapshot if self._found else None
        return compared and self._mode != "replace" and records.current(metadata) != seen

    @property
    def warnings(self) -> list[str]:
        """A line for each rule that failed and did not stop the write; after `check`."""
        return [
            f"{_line(item)}; {'they are' if item.severity == 'quarantine' else 'the rows are'}"
            f" {'in quarantine' if item.severity == 'quarantine' else 'in the dataset'}"
            for item in self.results
            if not item.passed and item.severity != "block"
        ]

    def _set_aside(self, found: pl.DataFrame) -> list[Failed]:
        """The rows that fail rules that set rows aside, with all of these. For the other rules they
        do not come in.
        """
        assert self._screen is not None
        failed = []
        names = [name for name in self._aside if name in found.columns]
        for row in found.iter_rows(named=True) if names else ():
            broken = [name for name in names if row[name] == "invalid"]
            if broken:
                column = next(iter(self._checks[broken[0]].columns), "")
                word = "rules" if len(broken) > 1 else "rule"
                reason = f"fails the {word} {' and '.join(map(repr, broken))}"
                failed.append(Failed(row["number"], reason, column))
                others = [name for name in found.columns if row[name] == "invalid"]
                self._screen.failed.subtract(set(others) - set(names))
        return failed

    def _waiting(self, columns: Sequence[str]) -> list[str]:
        """Those of the columns whose values are kept until the last row is read."""
        if any(isinstance(check, Select) for check in self._checks.values()):
            return list(columns)  # `*` and whole rows are not told by names
        late = [check for check in self._checks.values() if isinstance(check, _LATE)]
        wanted = [column for check in late for column in check.columns]
        wanted += [
            check.other
            for check in late
            if isinstance(check, References) and check.dataset == self._name
        ]
        wanted = list(dict.fromkeys([*wanted, *self._key])) if late else []
        return [name for name in wanted if name in columns]

    def _result(self, rule: Rule) -> RuleResult:
        error = "" if self._screen is None else self._screen.errors.get(rule.rule, "")
        if error:
            return result_of(rule, None, self._rows, error=error)
        try:
            if isinstance(check := self._checks[rule.rule], Select):
                found = self._selected(check)
                sample, passed = found.sample, found.passed
                return result_of(rule, found.failed, None, passed=passed, sample=sample)
            failed, passed = self._asked(rule)
            rows = self._rows if rule.severity != "quarantine" else self._rows_read
            if failed is not None:
                passed = allowance_of(rule.text).holds(failed, rows)
        except Exception as problem:  # noqa: BLE001 - one rule must not hide the others
            return result_of(rule, None, self._rows, error=said(problem))
        return result_of(rule, failed, rows, passed=passed)

    @property
    def _rows_read(self) -> int:
        return self._screen.rows if self._screen else 0

    def _asked(self, rule: Rule) -> tuple[int | None, bool]:
        """How many of the new rows fail a rule, if it is about rows; else whether it passed."""
        from ..rows import height

        match self._checks[rule.rule]:
            case Unique() | References() if not self._rows:
                failed = 0
            case Unique(columns):
                failed = self._repeated(columns)
            case References(column, dataset, other):
                what = f"column {other!r} of {dataset}"
                others = self._new([other]) if dataset == self._name else None
                there = (
                    self._others(dataset) if others is None else self._with_present(others, other)
                )
                new, total = self._new([column]), self._rows + height(there)
                found = homeless(
                    new, column, there, other, what=what, total=total, staging=self._staging
                )
                failed = found.count
            case RowCount() as check:
                return None, check.holds(self._rows_after())
            case check if isinstance(check, ROW_CHECKS):
                failed = self._screen.failed[rule.rule] if self._screen else 0
            case _:
                return None, True  # a commit is fresh
        return failed, not failed

    def _selected(self, check: Select) -> Answered:
        """What a query finds in the rows that the dataset will have."""
        import polars as pl

        present, parts = self._there(), list[pl.LazyFrame]()
        if present is not None:
            parts.append(self._staying(present) if self._kept else present.rows)
        parts.append(self._new([]) if self._kept else pl.LazyFrame(schema=self._schema))
        rows = pl.concat(parts, how="diagonal_relaxed")
        return self._select(check, rows, present.uuids if present else {})

    def _repeated(self, columns: Sequence[str]) -> int:
        """How many of the new rows have values that another row has, too."""
        if self._key and set(self._key) <= set(columns):
            return 0  # rows with the same key take each other's place
        new, present = self._new(columns), self._there()
        if present is None or any(
            name not in present.rows.collect_schema() for name in columns
        ):  # no row of the dataset has a value there
            return repeated(new, columns, self._rows, self._staging).count
        total, others = self._rows + present.count, self._staying(present)
        return repeated(new, columns, total, self._staging, others).count

    def _staging(self) -> Path:
        return self._folder

    def _staying(self, present: Present) -> pl.LazyFrame:
        """The rows of the dataset that stay."""
        if not self._key:
            return present.rows
        return present.rows.join(self._new([]), on=list(self._key), how="anti")

    def _new(self, columns: Sequence[str]) -> pl.LazyFrame:
        """The new rows, with the columns that are kept; of an upsert the last of each key."""
        import polars as pl

        if not self._kept:
            raise Unprocessable("There are no rows to look at.")
        rows = pl.scan_parquet(self._kept, glob=False, hive_partitioning=False)
        check_columns(columns, rows.collect_schema())
        if not self._key:
            return rows
        numbered = rows.with_row_index(_NUMBER)
        last = numbered.group_by(self._key).agg(pl.col(_NUMBER).max()).select(_NUMBER)
        return numbered.join(last, on=_NUMBER, how="semi").drop(_NUMBER)

    def _with_present(self, new: pl.LazyFrame, other: str) -> pl.LazyFrame:
        """The values of a column of the dataset as it will be."""
        import polars as pl

        if (present := self._there()) is None:
            return new
        values = [new.select(exactly(other)), self._staying(present).select(exactly(other))]
        return pl.concat(values, how="vertical_relaxed")

    def _rows_after(self) -> int:
        if (present := self._there()) is None:
            return self._rows
        if not self._key or not self._kept:
            return present.count + self._rows
        from ..rows import height

        new = self._new([])
        return height(self._staying(present)) + height(new)

    def _there(self) -> Present | None:
        """The dataset as it is, once for all rules; None where nothing of it will stay."""
        if not self._looked:
            self._looked = True
            with contextlib.suppress(NotFound):
                self._found = self._present()
        return None if self._mode == "replace" else self._found


def _line(item: RuleResult) -> str:
    if item.error:
        return f"{item.rule!r} cannot be asked: {item.error.rstrip('.')}"
    if item.failed_rows is None:
        value = f": the value is {item.sample[0]['value']}" if item.sample else ""
        return f"{item.rule!r} does not hold{value}"
    if item.rows is None:
        return f"{item.rule!r} finds {item.failed_rows:,} row{'s' * (item.failed_rows != 1)}"
    return f"{item.rule!r} fails in {item.failed_rows:,} of {item.rows or 0:,} rows"
