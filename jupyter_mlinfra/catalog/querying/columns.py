"""Of what columns an answer was made: the query as sqlglot reads it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlglot import exp
    from sqlglot.lineage import Node
    from sqlglot.optimizer.scope import Scope

Source = tuple[str, str, str]
"""Schema, table and column."""

_DIALECT = "duckdb"


def sources(
    query: str, tables: Mapping[tuple[str, str], Sequence[str]], answer: Sequence[str]
) -> Mapping[str, Sequence[Source]] | None:
    """For each column of an answer, the columns that its values were made from; one that is not
    known is left out. None if nothing can be told of the query.

    query: as DuckDB ran it. tables: columns by schema and table. answer: its columns, in order.
    What only chooses or orders rows (`WHERE`, `ON`, `ORDER BY`) counts as no source.
    """
    from sqlglot import parse_one
    from sqlglot.errors import SqlglotError
    from sqlglot.optimizer.qualify import qualify
    from sqlglot.optimizer.scope import build_scope

    schema: dict[str, object] = {
        space: {
            table: dict.fromkeys(columns, "VARCHAR")
            for (other, table), columns in tables.items()
            if other == space
        }
        for space, _ in tables
    }
    try:
        tree = qualify(parse_one(query, dialect=_DIALECT), dialect=_DIALECT, schema=schema)
        names = list(getattr(tree, "named_selects", ()))
        if len(names) != len(answer) or _is_vague(tree) or (scope := build_scope(tree)) is None:
            return None
        once = {name for name, count in Counter(names).items() if count == 1}
        found = {
            column: _sources(name, tree, schema, scope, _known(tables))
            for name, column in zip(names, answer, strict=True)
            if name in once
        }
    except (SqlglotError, AttributeError, KeyError, ValueError, RecursionError):
        return None  # of a statement that only DuckDB knows
    return {column: made for column, made in found.items() if made is not None}


_Known = Mapping[tuple[str, str, str], Source]


def _known(tables: Mapping[tuple[str, str], Sequence[str]]) -> _Known:
    """The columns as they are written, by their names in small letters."""
    return {
        (space.lower(), table.lower(), column.lower()): (space, table, column)
        for (space, table), columns in tables.items()
        for column in columns
    }


def _is_vague(tree: exp.Expr) -> bool:
    """Whether a column of some SELECT stands for columns that only DuckDB can tell: a pattern, a
    star, a whole row, a place (`#1`), a column of a query around it, of a union by name.
    """
    from sqlglot import exp
    from sqlglot.optimizer.scope import traverse_scope

    vague = (exp.Column, exp.Columns, exp.Star, exp.TableColumn, exp.PositionalColumn)
    if any(union.args.get("by_name") for union in tree.find_all(exp.SetOperation)):
        return True
    for scope in traverse_scope(tree):
        select = scope.expression
        if not isinstance(select, exp.Select):
            continue
        for part in (part for column in select.selects for part in column.walk()):
            if part.find_ancestor(exp.Select) is not select:
                continue
            if isinstance(part, exp.Star) and isinstance(part.parent, exp.Count):
                continue
            if isinstance(part, exp.Column) and part.table in scope.selected_sources:
                continue
            if isinstance(part, vague):
                return True
    return False


def _sources(
    name: str,
    tree: exp.Expr,
    schema: dict[str, object],
    scope: Scope,
    known: _Known,
) -> Sequence[Source] | None:
    """What one column was made from; None if it cannot be told."""
    from sqlglot.lineage import lineage

    node = lineage(name, tree, schema=schema, dialect=_DIALECT, scope=scope)
    found = set[Source]()
    for leaf in node.walk():
        if leaf.downstream:
            continue
        source = _leaf(leaf, known)
        if source is None:
            return None
        found.update(source)
    return sorted(found)


def _leaf(leaf: Node, known: _Known) -> Sequence[Source] | None:
    """The column that a leaf is; none for a constant, None for what is unknown."""
    from sqlglot import exp

    if not isinstance(leaf.expression, exp.Table):
        return None if leaf.expression.find(exp.Column) else ()
    table, column = leaf.expression, exp.to_column(leaf.name, dialect=_DIALECT)
    source = known.get((table.db.lower(), table.name.lower(), column.name.lower()))
    return None if source is None else (source,)
