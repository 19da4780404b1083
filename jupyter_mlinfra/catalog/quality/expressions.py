"""Conditions in Python's words, such as `end >= start and abs(a - b) < 0.1`, as Polars expressions.

The text is parsed, never run: only the names of columns, constants, operators and the functions
named here have a meaning. All of them look at one row alone.
"""

from __future__ import annotations

import ast
import warnings
from collections.abc import Callable, Iterator, Mapping
from functools import reduce
from typing import TYPE_CHECKING, Any

from ...core.errors import BadRequest, Unprocessable
from ...core.frames import exactly
from .literals import literal
from .slips import slip, with_moments_as_texts

if TYPE_CHECKING:
    import polars as pl

LONGEST = 2_000
"""Signs of a condition."""

_DEPTH = 40

_FUNCTIONS: Mapping[str, tuple[int, int, Callable[..., Any]]] = {
    "abs": (1, 1, lambda x: x.abs()),
    "round": (2, 2, lambda x, digits: x.round(digits)),
    "is_null": (1, 1, lambda x: x.is_null()),
    "not_null": (1, 1, lambda x: x.is_not_null()),
    "is_nan": (1, 1, lambda x: x.is_nan()),
    "coalesce": (1, 20, lambda *xs: _polars().coalesce(*xs)),
    "least": (1, 20, lambda *xs: _polars().min_horizontal(*xs)),
    "greatest": (1, 20, lambda *xs: _polars().max_horizontal(*xs)),
    "length": (1, 1, lambda x: x.str.len_chars()),
    "lower": (1, 1, lambda x: x.str.to_lowercase()),
    "upper": (1, 1, lambda x: x.str.to_uppercase()),
    "strip": (1, 1, lambda x: x.str.strip_chars()),
    "starts_with": (2, 2, lambda x, start: x.str.starts_with(start)),
    "ends_with": (2, 2, lambda x, end: x.str.ends_with(end)),
    "contains": (2, 2, lambda x, part: x.str.contains(part, literal=True)),
    "matches": (2, 2, lambda x, pattern: x.str.contains(pattern)),
    "year": (1, 1, lambda x: x.dt.year()),
    "month": (1, 1, lambda x: x.dt.month()),
    "day": (1, 1, lambda x: x.dt.day()),
    "weekday": (1, 1, lambda x: x.dt.weekday()),
    "hour": (1, 1, lambda x: x.dt.hour()),
    "minute": (1, 1, lambda x: x.dt.minute()),
}
"""By name: the fewest and most arguments, and what becomes of them."""

_PLAIN_LAST = ("round", "starts_with", "ends_with", "contains", "matches")
"""Functions whose last argument is a constant."""

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


def parsed(text: str) -> ast.expr:
    """The condition as a tree of what is allowed. Raises BadRequest, with the place, for anything
    else.
    """
    if len(text) > LONGEST:
        raise BadRequest(
            f"The condition has {len(text):,} signs.", f"At most {LONGEST:,} are read."
        )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SyntaxWarning)  # "\d" is two signs here, as in Python
            tree = ast.parse(with_moments_as_texts(text.strip()), mode="eval").body
    except (SyntaxError, ValueError, MemoryError, RecursionError) as error:
        place = f" at sign {error.offset}" if isinstance(error, SyntaxError) else ""
        raise _refused(text, f"It cannot be read{place}", slip(text)) from None
    _check(tree, text, 0)
    return tree


def columns_of(tree: ast.expr) -> list[str]:
    """The columns that a condition names, each once."""
    return list(dict.fromkeys(_named(tree)))


def _named(node: ast.AST) -> Iterator[str]:
    if (name := _column(node)) is not None:
        yield name
        return
    # The name of a function is none of a column.
    for part in node.args if isinstance(node, ast.Call) else ast.iter_child_nodes(node):
        yield from _named(part)


def expression(tree: ast.expr, schema: Mapping[str, pl.DataType]) -> pl.Expr:
    """The condition as an expression of columns with these types. Raises Unprocessable for a column
    that is not there.
    """
    found: pl.Expr = _Compiler(schema).of(tree)
    return found


def _check(node: ast.AST, text: str, depth: int) -> None:
    """Raise BadRequest for what has no meaning here."""
    if depth > _DEPTH:
        raise _refused(text, "It is nested too deep")
    if _column(node) is not None:
        return
    match node:
        case ast.Constant(value=str() | int() | float() | None):
            return
        case ast.Call(func=ast.Name(id=name), args=args, keywords=[]) if name in _FUNCTIONS:
            _check_call(name, args, text)
            parts: list[ast.AST] = list(args)
        case ast.BoolOp(values=values):
            parts = list(values)
        case ast.UnaryOp(op=ast.Not() | ast.USub() | ast.UAdd(), operand=operand):
            parts = [operand]
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _BINARY:
            parts = [left, right]
        case ast.Compare(left=left, ops=ops, comparators=others):
            parts = [left, *_compared(ops, others, text)]
        case _:
            raise _refused(text, f"{ast.unparse(node)[:60]!r} means nothing here")
    for part in parts:
        _check(part, text, depth + 1)


def _compared(ops: list[ast.cmpop], others: list[ast.expr], text: str) -> list[ast.AST]:
    """What is compared, without the constants behind `in` and `is`, which are checked here."""
    parts: list[ast.AST] = []
    for op, other in zip(ops, others, strict=True):
        if isinstance(op, ast.In | ast.NotIn):
            if not isinstance(other, ast.List | ast.Tuple | ast.Set) or len(ops) > 1:
                raise _refused(text, "Behind `in` stands a list of constants, such as ['a', 'b']")
            for item in other.elts:
                _constant(item, text)
        elif isinstance(op, ast.Is | ast.IsNot):
            if not (isinstance(other, ast.Constant) and other.value is None) or len(ops) > 1:
                raise _refused(text, "`is` compares with None alone")
        else:
            parts.append(other)
    return parts


def _check_call(name: str, args: list[ast.expr], text: str) -> None:
    fewest, most, _ = _FUNCTIONS[name]
    if not fewest <= len(args) <= most:
        raise _refused(text, f"{name} takes {fewest if fewest == most else f'{fewest} to {most}'}")
    if name in _PLAIN_LAST:
        wanted = int if name == "round" else str
        if type(_constant(args[-1], text)) is not wanted:
            raise _refused(text, f"The last argument of {name} is not a plain value of its kind")


def _constant(node: ast.expr, text: str) -> Any:
    """A constant, perhaps with a sign."""
    match node:
        case ast.Constant(value=str() | int() | float() as value):
            return value
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as value)):
            return -value
    raise _refused(text, f"{ast.unparse(node)[:60]!r} is not a constant")


def _column(node: ast.AST) -> str | None:
    """The column that a node names: `name`, or `col("any name")`."""
    match node:
        case ast.Name(id=name):
            return name
        case ast.Call(
            func=ast.Name(id="col"), args=[ast.Constant(value=str() as name)], keywords=[]
        ):
            return name
    return None


class _Compiler:
    def __init__(self, schema: Mapping[str, pl.DataType]) -> None:
        self._schema = schema

    def of(self, node: ast.AST) -> Any:
        if (name := _column(node)) is not None:
            return exactly(self._known(name))
        match node:
            case ast.Constant(value=value):
                return _polars().lit(value)
            case ast.Call(func=ast.Name(id=name), args=args):
                *plain, last = args
                arguments = [self.of(item) for item in plain]
                arguments.append(_constant(last, "") if name in _PLAIN_LAST else self.of(last))
                if name == "abs":
                    arguments = [self._wide(item) for item in arguments]
                return _FUNCTIONS[name][2](*arguments)
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
        name = _column(other)
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


def _refused(text: str, why: str, fix: str = "") -> BadRequest:
    return BadRequest(
        f"{text[:80]!r} is not a condition.",
        f"{why}.",
        fix
        or "Compare columns, numbers and words with ==, !=, <, <=, >, >=, in, and, or, not, + - * /"
        f" // % and {', '.join(_FUNCTIONS)}; another name than a plain word is col('…').",
    )
