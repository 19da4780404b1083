"""Conditions (see `conditions`) as Polars expressions."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from functools import reduce
from typing import TYPE_CHECKING, Any

from ...core.errors import Unprocessable
from ...core.frames import exactly
from .conditions import PLAIN_LAST, column_of, constant
from .literals import literal

if TYPE_CHECKING:
    import polars as pl

_FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "abs": lambda x: x.abs(),
    "round": lambda x, digits: x.round(digits),
    "is_null": lambda x: x.is_null(),
    "not_null": lambda x: x.is_not_null(),
    "is_nan": lambda x: x.is_nan(),
    "coalesce": lambda *xs: _polars().coalesce(*xs),
    "least": lambda *xs: _polars().min_horizontal(*xs),
    "greatest": lambda *xs: _polars().max_horizontal(*xs),
    "length": lambda x: x.str.len_chars(),
    "lower": lambda x: x.str.to_lowercase(),
    "upper": lambda x: x.str.to_uppercase(),
    "strip": lambda x: x.str.strip_chars(),
    "starts_with": lambda x, start: x.str.starts_with(start),
    "ends_with": lambda x, end: x.str.ends_with(end),
    "contains": lambda x, part: x.str.contains(part, literal=True),
    "matches": lambda x, pattern: x.str.contains(pattern),
    "year": lambda x: x.dt.year(),
    "month": lambda x: x.dt.month(),
    "day": lambda x: x.dt.day(),
    "weekday": lambda x: x.dt.weekday(),
    "hour": lambda x: x.dt.hour(),
    "minute": lambda x: x.dt.minute(),
}
_BINARY: Mapping[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: lambda a, b: a + b,
    ast.Sub: lambda a, b: a - b,
    ast.Mult: lambda a, b: a * b,
    ast.Div: lambda a, b: a / b,
    ast.FloorDiv: lambda a, b: a // b,
    ast.Mod: lambda a, b: a % b,
}
_COMPARED: Mapping[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Eq: lambda a, b: a == b,
    ast.NotEq: lambda a, b: a != b,
    ast.Lt: lambda a, b: a < b,
    ast.LtE: lambda a, b: a <= b,
    ast.Gt: lambda a, b: a > b,
    ast.GtE: lambda a, b: a >= b,
}


def expression(tree: ast.expr, schema: Mapping[str, pl.DataType]) -> pl.Expr:
    """The condition as an expression of columns with these types. Raises Unprocessable for a column
    that is not there.
    """
    found: pl.Expr = _Compiler(schema).of(tree)
    return found


class _Compiler:
    def __init__(self, schema: Mapping[str, pl.DataType]) -> None:
        self._schema = schema

    def of(self, node: ast.AST) -> Any:
        if (name := column_of(node)) is not None:
            return exactly(self._known(name))
        match node:
            case ast.Constant(value=value):
                return _polars().lit(value)
            case ast.Call(func=ast.Name(id=name), args=args):
                *plain, last = args
                arguments = [self.of(item) for item in plain]
                arguments.append(constant(last, "") if name in PLAIN_LAST else self.of(last))
                if name == "abs":
                    arguments = [self._wide(item) for item in arguments]
                return _FUNCTIONS[name](*arguments)
            case ast.BoolOp(op=op, values=values):
                parts = [self.of(value) for value in values]
                if isinstance(op, ast.And):
                    return reduce(lambda a, b: a & b, parts)
                return reduce(lambda a, b: a | b, parts)
            case ast.UnaryOp(op=op, operand=operand):
                value = self.of(operand)
                if isinstance(op, ast.Not):
                    return ~value
                return 0 - self._wide(value) if _is_minus(op) else value  # i128 has no -x
            case ast.BinOp(left=left, op=operator, right=right):
                sides = self._beside(right, left), self._beside(left, right)
                return _BINARY[type(operator)](*map(self._wide, sides))
            case ast.Compare(left=left, ops=ops, comparators=others):
                pairs = zip([left, *others], ops, others, strict=False)
                return reduce(lambda a, b: a & b, [self._compare(*pair) for pair in pairs])
        raise AssertionError(node)  # `_check` let nothing else pass

    def _compare(self, left: ast.expr, op: ast.cmpop, right: ast.expr) -> Any:
        if isinstance(op, ast.Is | ast.IsNot):
            value = self.of(left)
            return value.is_null() if isinstance(op, ast.Is) else value.is_not_null()
        if isinstance(op, ast.In | ast.NotIn):
            assert isinstance(right, ast.List | ast.Tuple | ast.Set)
            value = self.of(left)
            same = [value == self._beside(left, item) for item in right.elts]
            found = _polars().any_horizontal(same) if same else _polars().lit(value=False)
            return found if isinstance(op, ast.In) else ~found
        sides = self._beside(right, left), self._beside(left, right)
        types = [self._dtype(side) for side in sides]
        if types[0] != types[1] and all(kind.is_integer() for kind in types):
            sides = self._wide(sides[0]), self._wide(sides[1])
        found = _COMPARED[type(op)](*sides)
        if isinstance(op, ast.Eq | ast.NotEq):
            return found
        # NaN is not in any order, while Polars takes it for the largest number.
        pairs = zip(sides, types, strict=True)
        ordered = [side.is_not_nan() for side, kind in pairs if kind.is_float()]
        return reduce(lambda a, b: a & b, [found, *ordered])

    def _dtype(self, found: Any) -> pl.DataType:
        schema = _polars().LazyFrame(schema=dict(self._schema)).select(found).collect_schema()
        kind: pl.DataType = schema.dtypes()[0]
        return kind

    def _wide(self, found: Any) -> Any:
        """Whole numbers in a type in which calculating does not overflow."""
        kind = self._dtype(found)
        if not kind.is_integer():
            return found
        pl = _polars()
        is_small = kind in (pl.Int8, pl.Int16, pl.Int32, pl.UInt8, pl.UInt16, pl.UInt32)
        return found.cast(pl.Int64 if is_small else pl.Int128)

    def _beside(self, other: ast.expr, node: ast.expr) -> Any:
        """A side of a comparison; a word beside a column is a value of that column."""
        name = column_of(other)
        match node:
            case ast.Constant(value=str() as word) if name is not None:
                return literal(word, self._schema[self._known(name)], name)
        pl = _polars()
        kinds = (pl.Date, pl.Time, pl.Datetime)
        kind = None if name is None else self._schema[self._known(name)]
        if isinstance(kind, kinds) and _is_number(node):
            raise Unprocessable(
                f"{ast.unparse(node)[:60]} is no day or time.",
                f"Column {name!r} holds such.",
                "Write them as 2026-01-31 and 2026-01-31T12:00:00Z.",
            )
        return self.of(node)

    def _known(self, name: str) -> str:
        if name not in self._schema:
            raise no_column(name, self._schema)
        return name


def no_column(name: str, schema: Mapping[str, object]) -> Unprocessable:
    """The error for a column that a table does not have."""
    columns = ", ".join(list(schema)[:20])
    return Unprocessable(f"There is no column {name!r}.", fix=f"Columns: {columns}.")


def _is_number(node: ast.expr) -> bool:
    """Whether it is made of numbers alone."""
    parts = [part for part in ast.walk(node) if isinstance(part, ast.Constant | ast.Name)]
    return all(
        isinstance(part, ast.Constant) and isinstance(part.value, int | float) for part in parts
    )


def _is_minus(op: ast.unaryop) -> bool:
    return isinstance(op, ast.USub)


def _polars() -> Any:
    import polars as pl

    return pl
