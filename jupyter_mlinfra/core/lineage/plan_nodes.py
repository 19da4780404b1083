"""The parts of a Polars plan: of which columns of its inputs each makes its own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Made = frozenset[tuple[int, str]] | str
"""Scans by their number, with a column of each; or why that is not known."""

Columns = Mapping[str, Made]

MADE_IN_MEMORY = "it comes from a frame in memory, whose origin is not known"
_BY_PYTHON = "a Python function makes it"

_NOTHING: Made = frozenset()


@dataclass(frozen=True, slots=True)
class Leaf:
    """What a plan scans: files by their paths, or what a function reads. added: columns that the
    scan itself makes, such as the number of a row.
    """

    paths: tuple[str, ...] = ()
    function: Any = None
    added: frozenset[str] = frozenset()

    @property
    def what(self) -> str:
        """Why a column of it is not known if nobody knows what it is."""
        return _BY_PYTHON if self.function is not None else "it is scanned from what is no dataset"


def leaf_of(plan: Any) -> Leaf | None:
    """What the present part scans; None if it holds rows itself."""
    try:
        node = plan.view_current_node()
    except NotImplementedError:
        return Leaf(function=plan)  # nobody knows it
    kind = type(node).__name__
    if kind == "Scan":
        options = node.file_options
        row_index = options.row_index[:1] if options.row_index else ()
        added = {*row_index, options.include_file_paths} - {None}
        return Leaf(paths=tuple(map(str, node.paths)), added=frozenset(added))
    if kind == "PythonScan":
        return Leaf(function=node.options[0])
    return None


def columns_of(plan: Any, names: Sequence[str], inputs: Sequence[Columns]) -> Columns:
    """The columns of the present part, which are called so. inputs: those of what it takes."""
    try:
        node = plan.view_current_node()
    except NotImplementedError:  # a Python function
        return dict.fromkeys(names, _BY_PYTHON)
    kind = type(node).__name__
    rule = _RULES.get(kind)
    found = {} if rule is None else rule(plan, node, inputs)
    unknown = f"a step ({kind}) is not known that makes it"
    return {name: found.get(name, unknown) for name in names}


def union(parts: Iterable[Made]) -> Made:
    """All that these are made of; not known if one of them is not."""
    found = set[tuple[int, str]]()
    for part in parts:
        if isinstance(part, str):
            return part
        found |= part
    return frozenset(found)


_CHILDREN: Mapping[str, Sequence[str]] = {
    "Agg": ("arguments",),
    "BinaryExpr": ("left", "right"),
    "Cast": ("expr",),
    "Explode": ("expr",),
    "Filter": ("input", "by"),
    "Function": ("input",),
    "Gather": ("expr", "idx"),
    "Len": (),
    "Slice": ("input", "offset", "length"),
    "Sort": ("expr",),
    "SortBy": ("expr", "by"),
    "Ternary": ("predicate", "truthy", "falsy"),
    "Window": ("function", "partition_by", "order_by"),
}
"""The parts of each kind of expression that are expressions too."""


def _expression(plan: Any, number: int, columns: Columns) -> Made:
    """What an expression over these columns is made of."""
    todo, found = [number], list[Made]()
    while todo:
        try:
            part = plan.view_expression(todo.pop())
        except NotImplementedError as error:
            opaque = "anonymous" in str(error) or "fold" in str(error) or "reduce" in str(error)
            return _BY_PYTHON if opaque else f"an expression ({error}) is not known that makes it"
        kind = type(part).__name__
        if kind == "Column":
            found.append(columns.get(part.name, f"column {part.name!r} is not known"))
        elif kind == "Literal":
            found.append(MADE_IN_MEMORY if type(part.value).__name__ == "PySeries" else _NOTHING)
        elif kind in _CHILDREN:
            for name in _CHILDREN[kind]:
                value = getattr(part, name)
                values = value if isinstance(value, list | tuple) else [value]
                todo += [item for item in values if item is not None]
        else:
            return f"an expression ({kind}) is not known that makes it"
    return union(found)


def _expressions(plan: Any, items: Iterable[Any], columns: Columns) -> dict[str, Made]:
    return {item.output_name: _expression(plan, item.node, columns) for item in items}


def _same(_: Any, __: Any, inputs: Sequence[Columns]) -> Columns:
    return inputs[0]


def _select(plan: Any, node: Any, inputs: Sequence[Columns]) -> Columns:
    return _expressions(plan, node.expr, inputs[0])


def _with_columns(plan: Any, node: Any, inputs: Sequence[Columns]) -> Columns:
    return {**inputs[0], **_expressions(plan, node.exprs, inputs[0])}


def _grouped(plan: Any, node: Any, inputs: Sequence[Columns]) -> Columns:
    if node.apply:
        return {}
    time = node.options.dynamic or node.options.rolling
    by_time = dict[str, Made]()
    if time is not None:
        made = inputs[0].get(time.index_column, _BY_PYTHON)
        bounds = ("_lower_boundary", "_upper_boundary", time.index_column)
        by_time = dict.fromkeys(bounds, made)
    return {**by_time, **_expressions(plan, [*node.keys, *node.aggs], inputs[0])}


def _stacked(_: Any, __: Any, inputs: Sequence[Columns]) -> Columns:
    return {
        name: union(columns.get(name, "not all frames have it") for columns in inputs)
        for name in inputs[0]
    }


def _side_by_side(_: Any, __: Any, inputs: Sequence[Columns]) -> Columns:
    return {name: made for columns in inputs for name, made in columns.items()}


def _joined(_: Any, node: Any, inputs: Sequence[Columns]) -> Columns:
    left, right = inputs
    how, suffix, merged = node.options[0], node.options[3], node.options[4]
    if how in ("Semi", "Anti"):
        return left
    keys = [
        (a.output_name, b.output_name) for a, b in zip(node.left_on, node.right_on, strict=False)
    ]
    if merged and how == "Right":
        left = {name: made for name, made in left.items() if name not in dict(keys)}
    found = {f"{name}{suffix}" if name in left else name: made for name, made in right.items()}
    found = {**found, **left}
    if merged and how == "Full":
        both = {name: union((left[name], right[other])) for name, other in keys}
        return {**found, **both}
    return found


def _mapped(plan: Any, node: Any, inputs: Sequence[Columns]) -> Columns:
    """What changes the form of a frame as a whole."""
    columns = inputs[0]
    what, *facts = node.function
    if what in ("explode", "hint_sorted", "rechunk"):
        return columns
    if what == "row_index":
        return {**columns, facts[0]: _NOTHING}
    if what == "unpivot":
        index, on, variable, value = facts
        kept = {name: columns[name] for name in index}
        made = union(columns[name] for name in (on or columns.keys() - set(index)))
        return {**kept, variable: _NOTHING, value: made}
    if what == "unnest":
        return {**columns, **_fields(plan, columns, *facts)}
    return {}


def _fields(
    plan: Any, columns: Columns, structs: Sequence[str], separator: str | None
) -> dict[str, Made]:
    """The fields of columns that come apart: each is made of what its column is made of."""
    here = plan.get_node()
    plan.set_node(plan.get_inputs()[0])
    schema = plan.get_schema()
    plan.set_node(here)
    return {
        field.name if separator is None else f"{name}{separator}{field.name}": columns[name]
        for name in structs
        for field in schema[name].fields
    }


_RULES: Mapping[str, Callable[[Any, Any, Sequence[Columns]], Columns]] = {
    "Cache": _same,
    "Distinct": _same,
    "Filter": _same,
    "GroupBy": _grouped,
    "HConcat": _side_by_side,
    "HStack": _with_columns,
    "Join": _joined,
    "MapFunction": _mapped,
    "MergeSorted": _stacked,
    "Select": _select,
    "SimpleProjection": _same,
    "Slice": _same,
    "Sort": _same,
    "Union": _stacked,
}
