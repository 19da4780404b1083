"""The plan of a query: its steps over a lazy frame, and the code that takes the same steps."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from functools import reduce
from typing import TYPE_CHECKING, Any

from ...core.errors import BadRequest
from ...core.frames import exactly, is_pattern
from ...core.snippets import frame as snippet
from ...core.snippets import text
from .spec import ROWS, Aggregate, Filter, Function, GridQuery, Group
from .values import Unfit, Written, bad_filter, series_of, value_of

if TYPE_CHECKING:
    import polars as pl

    Schema = Mapping[str, pl.DataType]
    Frame = Callable[[pl.LazyFrame], pl.LazyFrame]

_POLARS = frozenset({"import polars as pl"})


def plan(frame: pl.LazyFrame, query: GridQuery) -> pl.LazyFrame:
    """The rows that the query shows, in their order.

    Raises BadRequest that names the filter, group or order with what is wrong.
    """
    return reduce(lambda rows, step: step.what(rows), _steps(query, frame.collect_schema()), frame)


def code(query: GridQuery, schema: Schema, frame: str) -> Written[None]:
    """The code of `plan`: an expression. frame: the code of a lazy frame with these columns."""
    steps = _steps(query, schema)
    if not steps:
        return Written(None, frame)
    body = "\n".join(f"    {line}" for line in (frame, *(step.code for step in steps)))
    return Written(None, f"(\n{body}\n)", _imports(steps))


def cell(
    query: GridQuery, schema: Schema, frame: str, *, name: str, imports: Sequence[str] = ()
) -> str:
    """A cell that makes the rows of the query, a lazy frame under a name, and shows the first ones.
    imports: those of `frame`.
    """
    written = code(query, schema, frame)
    head = [*imports, *sorted(written.imports.difference(imports))]
    return "\n".join(
        [*head, "", snippet(name, written.code)] if head else [snippet(name, written.code)]
    )


def names_of(group: Group) -> Sequence[str]:
    """The columns of a grouped answer: what is grouped by, the count, the figures."""
    names = list(dict.fromkeys(group.by))
    for wanted in (ROWS, *(f"{item.column} {item.function}" for item in group.aggregates)):
        name, number = wanted, 1
        while name in names:
            number += 1
            name = f"{wanted} {number}"
        names.append(name)
    return names


def _steps(query: GridQuery, schema: Schema) -> list[Written[Frame]]:
    steps = list[Written["Frame"]]()
    if query.filters:
        steps.append(_filtered([_filter(item, schema) for item in query.filters]))
    names: Sequence[str] = list(schema)
    if query.group:
        steps += _grouped(query.group, schema)
        names = names_of(query.group)
    if order := _order(query, schema, names):
        steps.append(_sorted(order))
    if query.columns is not None:
        steps.append(_selected(query.columns, names))
    return steps


def _known(name: str, names: Sequence[str] | Schema, what: str) -> None:
    if name not in names:
        raise BadRequest(
            f"{what} cannot be used.",
            f"There is no column {name!r}.",
            f"Columns: {', '.join(list(names)[:20])}.",
        )


def _column(name: str) -> Written[pl.Expr]:
    call = f"pl.selectors.by_name({text(name)})" if is_pattern(name) else f"pl.col({text(name)})"
    return Written(exactly(name), call, _POLARS)


def _named(name: str) -> Written[pl.Expr]:
    """Where Polars takes a name for its column."""
    return _column(name) if is_pattern(name) else Written(exactly(name), text(name))


def _filtered(conditions: Sequence[Written[pl.Expr]]) -> Written[Frame]:
    expressions = [item.what for item in conditions]
    return Written(
        lambda frame: frame.filter(*expressions),
        f".filter({', '.join(item.code for item in conditions)})",
        _imports(conditions),
    )


def _filter(item: Filter, schema: Schema) -> Written[pl.Expr]:
    import polars as pl

    _known(item.column, schema, f"The filter {item.words}")
    column, dtype = _column(item.column), schema[item.column]
    if item.op == "null":
        return Written(column.what.is_null(), f"{column.code}.is_null()", _POLARS)
    if item.op == "not null":
        return Written(column.what.is_not_null(), f"{column.code}.is_not_null()", _POLARS)
    if dtype.base_type() in (pl.Categorical, pl.Enum):
        column = Written(column.what.cast(pl.String), f"{column.code}.cast(pl.String)", _POLARS)
        dtype = pl.String()
    try:
        return _compared(item, column, dtype)
    except Unfit as fault:
        raise bad_filter(item.words, f"{item.column} is {dtype}.", str(fault)) from None


def _compared(item: Filter, column: Written[pl.Expr], dtype: pl.DataType) -> Written[pl.Expr]:
    import polars as pl

    if item.op in ("contains", "starts"):
        if dtype != pl.String:
            raise Unfit(f"`{item.op}` is for texts.")
        return _searched(item, column, dtype)
    if item.op in ("in", "between"):
        return _listed(item, column, dtype)
    value = value_of(item.value, dtype)
    sign = {"=": "=="}.get(item.op, item.op)
    return Written(
        _COMPARE[sign](column.what, value.what),
        f"{column.code} {sign} {value.code}",
        _POLARS | value.imports,
    )


_COMPARE: Mapping[str, Callable[[Any, Any], Any]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def _searched(item: Filter, column: Written[pl.Expr], dtype: pl.DataType) -> Written[pl.Expr]:
    value = value_of(item.value, dtype)
    if item.op == "starts":
        return Written(
            column.what.str.starts_with(value.what),
            f"{column.code}.str.starts_with({value.code})",
            _POLARS,
        )
    return Written(
        column.what.str.contains(value.what, literal=True),
        f"{column.code}.str.contains({value.code}, literal=True)",
        _POLARS,
    )


def _listed(item: Filter, column: Written[pl.Expr], dtype: pl.DataType) -> Written[pl.Expr]:
    given = item.value if isinstance(item.value, list | tuple) else ()
    if item.op == "between":
        values = [value_of(value, dtype) for value in given]
        if len(values) != 2:
            raise Unfit("`between` takes two values, the lowest and the highest.")
        low, high = map(_literal, values)
        return Written(
            column.what.is_between(low.what, high.what),
            f"{column.code}.is_between({low.code}, {high.code})",
            _POLARS | _imports(values),
        )
    if not given:
        raise Unfit("`in` takes one value or more.")
    series = series_of(given, dtype)
    return Written(
        column.what.is_in(series.what),
        f"{column.code}.is_in({series.code})",
        _POLARS | series.imports,
    )


def _literal(value: Written[Any]) -> Written[Any]:
    """A value where Polars would take a text for the name of a column."""
    import polars as pl

    if not isinstance(value.what, str):
        return value
    return Written(pl.lit(value.what), f"pl.lit({value.code})", value.imports)


def _grouped(group: Group, schema: Schema) -> list[Written[Frame]]:
    import polars as pl

    by = list(dict.fromkeys(group.by))
    what = f"The group by {', '.join(by)}"
    if not by:
        raise BadRequest("The group has no columns.", fix="Name a column to group by.")
    for name in by:
        _known(name, schema, what)
        _check_flat(name, schema[name], what)
    keys = [_named(name) for name in by]
    names = names_of(group)[len(by) :]
    figures = [Written(pl.len().alias(names[0]), f"pl.len().alias({text(names[0])})", _POLARS)]
    for item, name in zip(group.aggregates, names[1:], strict=True):
        _known(item.column, schema, what)
        figure = _figure(item, schema[item.column])
        figures.append(
            Written(figure.what.alias(name), f"{figure.code}.alias({text(name)})", figure.imports)
        )
    by_code = ", ".join(key.code for key in keys)
    agg_code = ", ".join(figure.code for figure in figures)
    return [
        Written(
            lambda frame: frame.group_by([key.what for key in keys]).agg(
                [figure.what for figure in figures]
            ),
            f".group_by({by_code}).agg({agg_code})",
            _imports([*keys, *figures]),
        )
    ]


_NUMBERS: frozenset[Function] = frozenset({"sum", "mean"})


def _figure(item: Aggregate, dtype: pl.DataType) -> Written[pl.Expr]:
    import polars as pl

    what = f"The {item.function} of {item.column}"
    column = _column(item.column)
    _check_flat(item.column, dtype, what)
    if item.function in _NUMBERS and not (dtype.is_numeric() or dtype == pl.Boolean):
        raise BadRequest(
            f"{what} cannot be computed.",
            f"{item.column} is {dtype}.",
            "Take min, max or distinct.",
        )
    match item.function:
        case "distinct":
            return Written(column.what.n_unique(), f"{column.code}.n_unique()", _POLARS)
        case "mean":
            return Written(column.what.mean(), f"{column.code}.mean()", _POLARS)
        case "min":
            return Written(column.what.min(), f"{column.code}.min()", _POLARS)
        case "max":
            return Written(column.what.max(), f"{column.code}.max()", _POLARS)
        case "sum" if dtype.is_integer() and dtype != pl.UInt128:
            # the sum may not fit, and Polars would go on below zero
            wide = column.what.cast(pl.Int128).sum()
            return Written(wide, f"{column.code}.cast(pl.Int128).sum()", _POLARS)
        case "sum":
            return Written(column.what.sum(), f"{column.code}.sum()", _POLARS)


def _check_flat(name: str, dtype: pl.DataType, what: str) -> None:
    import polars as pl

    if dtype.is_nested() or dtype == pl.Object:
        raise BadRequest(
            f"{what} cannot be used.",
            f"{name} is {dtype}: its values have no order.",
            "Take a column of single values.",
        )


def _order(
    query: GridQuery, schema: Schema, names: Sequence[str]
) -> Sequence[tuple[Written[pl.Expr], bool]]:
    order = dict[str, bool]()
    for item in query.sort:
        what = f"The order by {item.column}"
        _known(item.column, names, what)
        if not query.group:
            _check_flat(item.column, schema[item.column], what)
        order.setdefault(item.column, item.descending)
    if query.group:
        # groups come in no order of their own
        for name in query.group.by:
            order.setdefault(name, False)
    return [(_named(name), descending) for name, descending in order.items()]


def _sorted(order: Sequence[tuple[Written[pl.Expr], bool]]) -> Written[Frame]:
    keys = [key.what for key, _ in order]
    down = [descending for _, descending in order]
    shown = f"descending={down[0] if len(set(down)) == 1 else down}, " if any(down) else ""
    return Written(
        lambda frame: frame.sort(keys, descending=down, nulls_last=True, maintain_order=True),
        f".sort({', '.join(key.code for key, _ in order)}, {shown}nulls_last=True,"
        " maintain_order=True)",
        _imports([key for key, _ in order]),
    )


def _selected(columns: Sequence[str], names: Sequence[str]) -> Written[Frame]:
    chosen = list(dict.fromkeys(columns))
    for name in chosen:
        _known(name, names, f"The column {name}")
    written = [_named(name) for name in chosen]
    expressions = [item.what for item in written]
    return Written(
        lambda frame: frame.select(expressions),
        f".select({', '.join(item.code for item in written)})",
        _imports(written),
    )


def _imports(parts: Sequence[Written[Any]]) -> frozenset[str]:
    return frozenset[str]().union(*(part.imports for part in parts))
