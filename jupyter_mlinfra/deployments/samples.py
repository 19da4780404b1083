"""Rows that a model is known to answer: those of its logged example, else one that its signature
allows.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from .lightgbm_file import pandas_categories
from .logged import Input, Logged, default_value, json_value, read_document
from .xgboost_file import first_categories

SAMPLE_ROWS = 20
MADE_UP = "made_up"
"""True in a sample for which the model has no usable input_example."""

MOST_VALUES = 100_000
"""Of a sample of tensors; beyond it fewer rows are kept, at least one."""


def sample_of(logged: Logged) -> dict[str, Any]:
    """{"names": …, "ndarray": rows}; for a model with several tensors {"names": …, "jsonData":
    {name: nested lists}}. One that had to be made up has MADE_UP.
    """
    example, info = _example(logged.folder)
    if logged.layout == "tensors":
        return _tensors(logged.columns, example)
    names = [column.name for column in logged.columns]
    rows = _rows(example, info, names)[:SAMPLE_ROWS]
    usable = [
        [json_value(value, column) for value, column in zip(row, logged.columns, strict=True)]
        for row in rows
    ]
    complete = [
        row
        for row in usable
        if all(
            value is not None or column.optional
            for value, column in zip(row, logged.columns, strict=True)
        )
    ]
    if complete:
        return {"names": names, "ndarray": complete}
    known = _first_categories(logged)
    row = [known.get(column.name) or default_value(column) for column in logged.columns]
    return {"names": names, "ndarray": [row], MADE_UP: True}


def _first_categories(logged: Logged) -> dict[str, str]:
    """A text that a booster knows, by the inputs that are texts and must not be missing: it refuses
    any other one.
    """
    texts = [column.name for column in logged.columns if column.type == "string"]
    file = logged.folder / logged.model_file
    if logged.engine == "xgboost" and texts:
        names, firsts = first_categories(file)
        every = names or [column.name for column in logged.columns]
        found = dict(zip(every, firsts, strict=False))
    elif logged.engine == "lightgbm" and texts:
        lists = pandas_categories(file)
        found = {name: str(known[0]) for name, known in zip(texts, lists, strict=False) if known}
    else:
        return {}
    must = {column.name for column in logged.columns if not column.optional}
    return {name: found[name] for name in texts if name in must and found.get(name)}


def _example(model: Path) -> tuple[Any, Mapping[str, Any]]:
    """The logged example as JSON, and what MLmodel says of it; None if there is none that can be
    read.
    """
    info = read_document(model).get("saved_input_example_info") or {}
    file = (model / str(info.get("artifact_path", ""))).resolve()
    if not info.get("artifact_path") or not file.is_relative_to(model.resolve()):
        return None, {}
    try:
        example = json.loads(file.read_text())
    except (OSError, ValueError):
        return None, {}
    has_params = info.get("params") and isinstance(example, dict)
    return (example.get("inputs") if has_params else example), info


def _rows(example: Any, info: Mapping[str, Any], names: Sequence[str]) -> list[list[Any]]:
    """Rows in the order of `names`, from a frame in pandas' form `split`, from records, or from a
    matrix in TensorFlow Serving's form.
    """
    if isinstance(example, dict) and "inputs" in example and info.get("type") == "ndarray":
        example = example["inputs"]
    if isinstance(example, list):
        if len(names) == 1 and not any(isinstance(row, list | dict) for row in example):
            return [[row] for row in example]
        if all(isinstance(row, dict) for row in example):
            return [[row.get(name) for name in names] for row in example]
        return [row for row in example if isinstance(row, list) and len(row) == len(names)]
    if not isinstance(example, dict) or not isinstance(example.get("data"), list):
        return []
    columns = [str(name) for name in example.get("columns") or names]
    if len(names) == len(columns) == 1:
        columns = list(names)
    if not set(names) <= set(columns):
        return []
    positions = {name: position for position, name in enumerate(columns)}
    return [
        [row[positions[name]] for name in names]
        for row in example["data"]
        if isinstance(row, list) and len(row) == len(columns)
    ]


def _tensors(columns: Sequence[Input], example: Any) -> dict[str, Any]:
    names = [column.name for column in columns]
    # MLflow 3 writes the tensors themselves, as a list or by name.
    given = example.get("inputs", example) if isinstance(example, dict) else example
    if not isinstance(given, dict):
        given = {names[0]: given} if len(names) == 1 else {}
    tensors = {
        column.name: given[column.name]
        if isinstance(given.get(column.name), list) and given[column.name]
        else [default_value(column)]
        for column in columns
    }
    rows = min(SAMPLE_ROWS, *(len(tensor) for tensor in tensors.values()))
    size = max(1, max(_count(tensor[0]) for tensor in tensors.values()))
    rows = max(1, min(rows, MOST_VALUES // size))
    cut = {name: tensor[:rows] for name, tensor in tensors.items()}
    made_up = {} if any(isinstance(given.get(name), list) for name in names) else {MADE_UP: True}
    if len(names) == 1:
        return {"names": names, "ndarray": cut[names[0]], **made_up}
    return {"names": names, "jsonData": cut, **made_up}


def _count(value: Any) -> int:
    return sum(_count(item) for item in value) if isinstance(value, list) else 1
