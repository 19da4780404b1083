"""Filter and sort order as SQL over MLflow's tables; every value is a bound parameter.

`r` is the run's row everywhere. What SQLite lacks is added as functions, from the same Python that
`matching` uses.
"""

# ruff: noqa: S608 - names come from the tables of this package, every value is bound

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Sequence

from .facts import JOB, LAUNCHER, NOTEBOOK, RUNNING, STEP, Ends
from .query import Every, Filter, Not, Predicate, Some, Sort, is_like, number_of

_TABLES = {"metric": "latest_metrics", "param": "params", "tag": "tags"}


def _tag(key: str) -> str:
    return f"(SELECT t.value FROM tags t WHERE t.key = '{key}' AND t.run_uuid = r.run_uuid)"


_ENDED = (
    f"(CASE lower(r.status) WHEN '{RUNNING}' THEN coalesce(mlinfra_ended({_tag(JOB)}), r.end_time)"
    " ELSE r.end_time END)"
)
_ATTRIBUTES = {
    "status": (
        f"(CASE lower(r.status) WHEN '{RUNNING}' THEN coalesce(mlinfra_status({_tag(JOB)}),"
        f" '{RUNNING}') ELSE lower(r.status) END)"
    ),
    "name": "coalesce(r.name, '')",
    "id": "r.run_uuid",
    "user": f"coalesce({_tag('mlflow.user')}, r.user_id, '')",
    "notebook": (
        f"coalesce({_tag(NOTEBOOK)}, CASE WHEN {_tag('mlflow.source.type')} = 'NOTEBOOK' AND"
        f" {_tag('mlflow.source.name')} NOT LIKE '%{LAUNCHER}' THEN {_tag('mlflow.source.name')}"
        " END)"
    ),
    "job": _tag(JOB),
    "step": _tag(STEP),
    "started": "r.start_time",
    "ended": _ENDED,
    "duration": f"(({_ENDED} - r.start_time) / 1000.0)",
}
DATASET_REF = (
    "CASE d.dataset_source_type WHEN 'mlinfra' THEN json_extract(d.dataset_source, '$.ref') ELSE"
    " d.name || '@' || d.digest END"
)
DATASETS_OF_RUNS = (
    "inputs i JOIN datasets d ON d.dataset_uuid = i.source_id WHERE i.destination_type = 'RUN' AND"
    " i.source_type = 'DATASET'"
)
_DATASET = (
    f"SELECT {DATASET_REF} AS value FROM {DATASETS_OF_RUNS} AND i.destination_id = r.run_uuid"
)


def add_functions(connection: sqlite3.Connection, ends: Ends) -> None:
    """Add the functions that `condition` and `order` call to the connection."""

    def end(job: str | None, index: int) -> str | int | None:
        job_end = ends(job) if job else None
        return None if job_end is None else job_end[index]

    connection.create_function("mlinfra_status", 1, lambda job: end(job, 0))
    connection.create_function("mlinfra_ended", 1, lambda job: end(job, 1))
    connection.create_function("mlinfra_number", 1, number_of, deterministic=True)
    connection.create_function("mlinfra_like", 3, is_like, deterministic=True)


def condition(run_filter: Filter) -> tuple[str, list[str | float]]:
    """A WHERE condition and its parameters."""
    match run_filter:
        case Not(item):
            text, values = condition(item)
            return f"NOT ({text})", values
        case Every(items) | Some(items):
            parts = [condition(item) for item in items]
            joiner = " AND " if isinstance(run_filter, Every) else " OR "
            return "(" + joiner.join(text for text, _ in parts) + ")", [
                value for _, values in parts for value in values
            ]
        case Predicate():
            return _predicate(run_filter)


def _predicate(test: Predicate) -> tuple[str, list[str | float]]:
    field = test.field
    if field.kind == "attribute" and field.key != "dataset":
        expression = _ATTRIBUTES[field.key]
        if test.op == "null":
            return f"{expression} IS NULL", []
        text, values = _comparison(test, expression)
        # A missing value fails the test, so that NOT can negate it.
        return (f"coalesce({text}, 0)", values)
    if field.kind == "attribute":
        rows, keys = f"SELECT 1 FROM ({_DATASET}) v", list[str | float]()
        text, values = ("1", []) if test.op == "null" else _comparison(test, "v.value")
        rows += f" WHERE {text}"
    else:
        rows, keys = (
            f"SELECT 1 FROM {_TABLES[field.kind]} v WHERE v.run_uuid = r.run_uuid AND v.key = ?",
            [field.key],
        )
        text, values = ("1", []) if test.op == "null" else _comparison(test, "v.value")
        rows += f" AND {text}" + (
            " AND v.is_nan = 0" if field.kind == "metric" and test.op != "null" else ""
        )
    return ("NOT " if test.op == "null" else "") + f"EXISTS ({rows})", keys + values


def _comparison(test: Predicate, expression: str) -> tuple[str, list[str | float]]:
    if test.op in ("like", "ilike"):
        return f"mlinfra_like(?, {int(test.op == 'ilike')}, {expression})", list(test.values)
    op = "=" if test.op == "in" else test.op
    parts, values = [], list[str | float]()
    for target in test.values:
        as_number = not isinstance(target, str) and not test.field.numeric
        parts.append(f"{f'mlinfra_number({expression})' if as_number else expression} {op} ?")
        values.append(
            target
            if isinstance(target, str)
            else max(-sys.float_info.max, min(sys.float_info.max, target))
        )
    return "(" + " OR ".join(parts) + ")", values


def order(sorts: Sequence[Sort]) -> tuple[str, list[str], str]:
    """Joins, their parameters, and an ORDER BY list."""
    joins, keys, terms = "", list[str](), list[str]()
    for index, sort in enumerate(sorts):
        field, direction = sort.field, "DESC" if sort.descending else "ASC"
        if field.kind == "attribute":
            expression = _ATTRIBUTES[field.key]
            terms.append(f"{expression} IS NULL, {expression} {direction}")
            continue
        value, number = f"s{index}.value", f"mlinfra_number(s{index}.value)"
        joins += (
            f" LEFT JOIN {_TABLES[field.kind]} s{index} ON s{index}.run_uuid = r.run_uuid AND"
            f" s{index}.key = ?"
        )
        keys.append(field.key)
        if field.kind == "metric":
            terms.append(
                f"CASE WHEN {value} IS NULL THEN 2 WHEN s{index}.is_nan THEN 1 ELSE 0 END, {value}"
                f" {direction}"
            )
        else:
            terms.append(
                f"CASE WHEN {value} IS NULL THEN 2 WHEN {number} IS NULL THEN 1 ELSE 0 END,"
                f" {number} {direction}, {value} {direction}"
            )
    return joins, keys, ", ".join([*terms, "r.start_time DESC, r.run_uuid"])
