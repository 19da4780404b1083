"""No query makes text or numbers of tokens: a length or a pattern of them would mean nothing.

The engine refuses most of it by the type of tokens, but casts them to text where it is asked to, or
where a function takes anything. A copy of the query, whose casts and functions get their values
through a macro that fails for tokens, is planned and not run: if the macro is left in the plan, the
query does that. That plan hides what has a name of its own (`email::VARCHAR AS x`,
`COLUMNS('email')`) and how PIVOT compares: so a second one, of empty tables with the same columns,
is searched for functions by the types of their arguments. If the plan of the query itself names the
field of tokens, it takes one apart (`unnest(email)`, `email.*`), and would go on with a text that
stands for nothing.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from .engine import Limits, engine
from .words import quoted

if TYPE_CHECKING:
    import duckdb

_TAKES_TOKENS = frozenset(
    {
        *(
            "count",
            "count_star",
            "approx_count_distinct",
            "any_value",
            "first",
            "last",
            "arbitrary",
        ),
        *("min", "max", "mode", "list", "array_agg", "hash", "typeof", "coalesce", "ifnull"),
        *("list_value", "struct_pack", "row", "row_number", "rank", "dense_rank", "lag", "lead"),
        *("first_value", "last_value", "nth_value", "unnest", "grouping", "len", "length"),
    }
)
"""Functions that are right for tokens and lists of them, or that the engine itself refuses for
tokens; `unnest` needs its argument as it stands.
"""
_SMALL = Limits(memory_mib=64, seconds=1)
_CALLS = frozenset({"BOUND_FUNCTION", "BOUND_AGGREGATE", "BOUND_WINDOW"})
_AS_IT_STANDS = frozenset({"CONSTANT", "PARAMETER", "STAR", "LAMBDA", "LAMBDA_REF", "DEFAULT"})


def uses_tokens(
    connection: duckdb.DuckDBPyConnection, query: str, parameters: Mapping[str, Any], field: str
) -> bool:
    """Whether the query casts, takes apart or calculates with tokens. field: the name in their
    type.
    """
    import duckdb

    macro = f"guard_{field}"
    try:
        if re.search(rf"{field}(?! VARCHAR)", _plan(connection, query, parameters)):
            return True  # not only the type, which is spelled `STRUCT(field VARCHAR)`
        tree = _tree(connection, query)
        wrapper = _tree(connection, f"SELECT {macro}(1)")["statements"][0]["node"]["select_list"][0]
        _wrap(tree["statements"], wrapper)
        row = connection.execute("SELECT json_deserialize_sql($1::JSON)", [json.dumps(tree)])
        guarded = row.fetchall()[0][0]
        connection.execute(
            f"CREATE OR REPLACE TEMP MACRO {quoted(macro)}(x) AS CASE"
            f" WHEN contains(typeof(x), '{field}') THEN error('{macro}') ELSE x END"
        )
        plan = _plan(connection, guarded, parameters)
        return f"('{macro}')" in plan or _takes_tokens(_bound(connection, query), field)
    except (duckdb.Error, LookupError):
        return False  # the query itself says what is wrong with it


def _bound(connection: duckdb.DuckDBPyConnection, query: str) -> Any:
    """The plan of the query with the types of all that it computes, in JSON. DuckDB tells it of its
    own tables alone, and not of parameters: so empty tables have the same columns, and null stands
    for each parameter.
    """
    tree = _tree(connection, query)
    null = _tree(connection, "SELECT NULL")["statements"][0]["node"]["select_list"][0]
    path = connection.execute("SELECT current_setting('search_path')").fetchall()[0][0]
    views = connection.execute(
        "SELECT schema_name, view_name FROM duckdb_views() WHERE NOT internal AND NOT temporary"
    ).fetchall()
    with engine(_SMALL) as twin:
        for schema, view in views:
            name = f"{quoted(schema)}.{quoted(view)}"
            rows = connection.sql(f"FROM {name}")
            columns = ", ".join(
                f"{quoted(column)} {kind}"
                for column, kind in zip(rows.columns, rows.types, strict=True)
            )
            twin.execute(f"CREATE SCHEMA IF NOT EXISTS {quoted(schema)}")
            twin.execute(f"CREATE TABLE {name} ({columns})")
        if path:
            twin.execute("SET search_path = $1", [path])
        text = twin.execute(
            "SELECT json_deserialize_sql($1::JSON)", [json.dumps(_with_nulls(tree, null))]
        ).fetchall()[0][0]
        plan = twin.execute(
            "SELECT json_serialize_plan($1::VARCHAR, optimize := false)", [text]
        ).fetchall()[0][0]
    return json.loads(plan)


def _with_nulls(node: Any, null: Any) -> Any:
    """The tree with null in place of each parameter."""
    if isinstance(node, list):
        return [_with_nulls(item, null) for item in node]
    if not isinstance(node, dict):
        return node
    if node.get("class") == "PARAMETER":
        return null
    return {name: _with_nulls(value, null) for name, value in node.items()}


def _takes_tokens(node: Any, field: str) -> bool:
    """Whether a plan has a cast or a function that makes something else of tokens."""
    if isinstance(node, list):
        return any(_takes_tokens(item, field) for item in node)
    if not isinstance(node, dict):
        return False
    # The engine itself compares tokens with nothing but tokens.
    compares = str(node.get("type")).startswith("COMPARE")
    if node.get("expression_class") in _CALLS and not compares:
        name = str(node.get("qname", {}).get("path", [""])[-1]).lower()
        given = [item.get("return_type") for item in node.get("children", ())]
        gives = json.dumps(node.get("return_type"))
        if name not in _TAKES_TOKENS and field in json.dumps(given) and field not in gives:
            return True
    return any(_takes_tokens(value, field) for value in node.values())


def _plan(connection: duckdb.DuckDBPyConnection, query: str, parameters: Mapping[str, Any]) -> str:
    found = connection.execute(f"EXPLAIN (FORMAT json) {query}", dict(parameters) or None)
    return str(found.fetchall()[0][1])


def _tree(connection: duckdb.DuckDBPyConnection, query: str) -> Any:
    row = connection.execute("SELECT json_serialize_sql($1::VARCHAR)", [query]).fetchall()[0]
    return json.loads(row[0])


def _wrap(node: Any, wrapper: Mapping[str, Any]) -> None:
    """Let casts and functions get their values through the macro."""
    if isinstance(node, list):
        for item in node:
            _wrap(item, wrapper)
    if not isinstance(node, dict) or node.get("class") == "LAMBDA":
        return  # of a lambda the engine does not know the types before the plan
    for value in node.values():
        _wrap(value, wrapper)
    if node.get("class") == "CAST":
        node["child"] = _wrapped(node["child"], wrapper)
    elif node.get("class") in ("FUNCTION", "WINDOW"):
        free = str(node.get("function_name", "")).lower() in _TAKES_TOKENS
        for place in () if free else node.get("arguments", ()):
            place["expression"] = _wrapped(place["expression"], wrapper)


def _wrapped(value: Any, wrapper: Mapping[str, Any]) -> Any:
    if value.get("class") in _AS_IT_STANDS:
        return value
    copy = json.loads(json.dumps(wrapper))
    copy["arguments"][0]["expression"] = value
    return copy
