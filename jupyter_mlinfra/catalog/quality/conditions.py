"""Conditions in Python's words, such as `end >= start and abs(a - b) < 0.1`, as a tree.

The text is parsed, never run: only the names of columns, constants, operators and the functions
named here have a meaning. All of them look at one row alone.
"""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterator, Mapping
from typing import Any

from ...core.errors import BadRequest
from .slips import slip, with_moments_as_texts

LONGEST = 2_000
"""Signs of a condition."""

FUNCTIONS: Mapping[str, tuple[int, int]] = {
    "abs": (1, 1),
    "round": (2, 2),
    "is_null": (1, 1),
    "not_null": (1, 1),
    "is_nan": (1, 1),
    "coalesce": (1, 20),
    "least": (1, 20),
    "greatest": (1, 20),
    "length": (1, 1),
    "lower": (1, 1),
    "upper": (1, 1),
    "strip": (1, 1),
    "starts_with": (2, 2),
    "ends_with": (2, 2),
    "contains": (2, 2),
    "matches": (2, 2),
    "year": (1, 1),
    "month": (1, 1),
    "day": (1, 1),
    "weekday": (1, 1),
    "hour": (1, 1),
    "minute": (1, 1),
}
"""The fewest and most arguments, by name."""

PLAIN_LAST = ("round", "starts_with", "ends_with", "contains", "matches")
"""Functions whose last argument is a constant."""

_OPERATORS = (ast.Add, ast.Sub, ast.Mult, ast.Div, ast.FloorDiv, ast.Mod)
_DEPTH = 40


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
    if (name := column_of(node)) is not None:
        yield name
        return
    # The name of a function is none of a column.
    for part in node.args if isinstance(node, ast.Call) else ast.iter_child_nodes(node):
        yield from _named(part)


def _check(node: ast.AST, text: str, depth: int) -> None:
    """Raise BadRequest for what has no meaning here."""
    if depth > _DEPTH:
        raise _refused(text, "It is nested too deep")
    if column_of(node) is not None:
        return
    match node:
        case ast.Constant(value=str() | int() | float() | None):
            return
        case ast.Call(func=ast.Name(id=name), args=args, keywords=[]) if name in FUNCTIONS:
            _check_call(name, args, text)
            parts: list[ast.AST] = list(args)
        case ast.BoolOp(values=values):
            parts = list(values)
        case ast.UnaryOp(op=ast.Not() | ast.USub() | ast.UAdd(), operand=operand):
            parts = [operand]
        case ast.BinOp(left=left, op=op, right=right) if isinstance(op, _OPERATORS):
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
                constant(item, text)
        elif isinstance(op, ast.Is | ast.IsNot):
            if not (isinstance(other, ast.Constant) and other.value is None) or len(ops) > 1:
                raise _refused(text, "`is` compares with None alone")
        else:
            parts.append(other)
    return parts


def _check_call(name: str, args: list[ast.expr], text: str) -> None:
    fewest, most = FUNCTIONS[name]
    if not fewest <= len(args) <= most:
        raise _refused(text, f"{name} takes {fewest if fewest == most else f'{fewest} to {most}'}")
    if name in PLAIN_LAST:
        wanted = int if name == "round" else str
        if type(constant(args[-1], text)) is not wanted:
            raise _refused(text, f"The last argument of {name} is not a plain value of its kind")


def constant(node: ast.expr, text: str) -> Any:
    """A constant, perhaps with a sign."""
    match node:
        case ast.Constant(value=str() | int() | float() as value):
            return value
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as value)):
            return -value
    raise _refused(text, f"{ast.unparse(node)[:60]!r} is not a constant")


def column_of(node: ast.AST) -> str | None:
    """The column that a node names: `name`, or `col("any name")`."""
    match node:
        case ast.Name(id=name):
            return name
        case ast.Call(
            func=ast.Name(id="col"), args=[ast.Constant(value=str() as name)], keywords=[]
        ):
            return name
    return None


def _refused(text: str, why: str, fix: str = "") -> BadRequest:
    return BadRequest(
        f"{text[:80]!r} is not a condition.",
        f"{why}.",
        fix
        or "Compare columns, numbers and words with ==, !=, <, <=, >, >=, in, and, or, not, + - * /"
        f" // % and {', '.join(FUNCTIONS)}; another name than a plain word is col('…').",
    )
