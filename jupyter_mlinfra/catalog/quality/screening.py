"""Rules about single rows, applied to blocks of rows by dataframely, which names every rule that a
row fails.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ...core.errors import MLInfraError
from ...core.frames import exactly
from .checks import RowCheck

if TYPE_CHECKING:
    import polars as pl

_ROW = "\0row"  # no column can have this name


class Screen:
    """The rules of one schema. checks: by the name of their rules. failed: rows that failed, by
    rule. errors: why a rule could not be asked; it is left out from then on.
    """

    def __init__(self, checks: Mapping[str, RowCheck], schema: Mapping[str, pl.DataType]) -> None:
        self.failed: Counter[str] = Counter()
        self.errors: dict[str, str] = {}
        self.rows = 0
        self._columns = {name: checks[name].columns for name in checks}
        self._expressions: dict[str, pl.Expr] = {}
        for name, check in checks.items():
            try:
                self._expressions[name] = check.expression(schema)
            except Exception as error:  # noqa: BLE001 - one rule must not hide the others
                self.errors[name] = said(error)

    @property
    def columns(self) -> list[str]:
        """The columns that the rules look at."""
        used = [column for name in self._expressions for column in self._columns[name]]
        return list(dict.fromkeys(used))

    def expression(self, rule: str) -> pl.Expr:
        """Whether a row passes a rule; null counts as passed."""
        return self._expressions[rule]

    def add(self, block: pl.DataFrame) -> pl.DataFrame | None:
        """Count the rows of a block that fail. Returns those rows, as their number in the block
        (`number`) and `invalid` or `valid` for each rule; None if all passed.
        """
        self.rows += block.height
        if not self._expressions or not block.height:
            return None
        try:
            found = self._details(block, list(self._expressions))
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt | SystemExit | GeneratorExit):
                raise
            self._leave_out(block)
            self.rows -= block.height
            return self.add(block)
        return found

    def _leave_out(self, block: pl.DataFrame) -> None:
        """Leave out the rules that raise; if none does by itself, all of them."""
        names = list(self._expressions)
        for name in names:
            try:
                self._details(block, [name], counted=False)
            except BaseException as error:
                if isinstance(error, KeyboardInterrupt | SystemExit | GeneratorExit):
                    raise
                self.errors[name] = said(error)
                del self._expressions[name]
        if len(self._expressions) == len(names):
            self.errors |= dict.fromkeys(names, "The rules cannot be asked together.")
            self._expressions.clear()

    def _details(
        self, block: pl.DataFrame, names: Sequence[str], *, counted: bool = True
    ) -> pl.DataFrame | None:
        used = [column for name in names for column in self._columns[name]]
        columns = list(dict.fromkeys(used))
        schema = _schema({name: self._expressions[name] for name in names}, columns)
        rows = block.select([exactly(name) for name in columns]).with_row_index(_ROW)
        failure = schema.filter(rows).failure
        if not len(failure):
            return None
        if counted:
            self.failed.update(
                {names[int(key[1:])]: count for key, count in failure.counts().items()}
            )
        details: pl.DataFrame = failure.details().rename({_ROW: "number"})
        return details.select(
            "number", **{_mark(index): _mark(index) for index in range(len(names))}
        ).rename({_mark(index): name for index, name in enumerate(names)})


def _mark(index: int) -> str:
    """The name of a rule within dataframely."""
    return f"\1{index}"


def _schema(expressions: Mapping[str, pl.Expr], columns: Sequence[str]) -> Any:
    """The rules as a class of dataframely."""
    import dataframely as dy

    members: dict[str, Any] = {
        f"column_{index}": dy.Any(alias=name) for index, name in enumerate([_ROW, *columns])
    }
    for index, found in enumerate(expressions.values()):
        members[_mark(index)] = dy.rule()(_given(found))
    return type("Rules", (dy.Schema,), members)


def _given(found: pl.Expr) -> Callable[[Any], pl.Expr]:
    return lambda _: found


def said(error: BaseException) -> str:
    """An error in a line."""
    if isinstance(error, MLInfraError):
        return f"{error.what} {error.why}".strip()
    lines = str(error).strip().splitlines() or [type(error).__name__]
    if "regex parse error" in lines[0]:
        fault = next((line for line in lines if line.startswith("error: ")), "error: unknown")
        return f"The regular expression cannot be read: {fault.removeprefix('error: ')}"
    return lines[0][:300]
