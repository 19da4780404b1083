"""Runs side by side, with the differences first."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from .spec import Difference, Run

if TYPE_CHECKING:
    from .cards import CardColumn, ModelCard

_KINDS = ("param", "metric", "tag", "dataset")
_OF_VERSIONS = ("metric", "param", "dataset", "code", "input", "output", "environment")
_PACKAGE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*(?:\[[^]]*\])?")
_IGNORED_TAGS = (
    "mlflow.rootRunId",
    "mlflow.runColor",
    "mlflow.source.git.repoURL",
    "mlflow.source.git.branch",
)


def differences(runs: Sequence[Run]) -> list[Difference]:
    """One row per parameter, metric, tag and dataset of any run; rows that differ first, then by
    kind and name.

    A metric that is NaN in all runs is the same; a value that only some runs have differs.
    """
    columns: dict[str, list[Mapping[str, str | float]]] = {
        "param": [run.params for run in runs],
        "metric": [run.metrics for run in runs],
        "tag": [_tags(run) for run in runs],
        "dataset": [_datasets(run) for run in runs],
    }
    rows = [
        _row(kind, key, values)
        for kind, values in columns.items()
        for key in sorted({key for value in values for key in value})
    ]
    return sorted(rows, key=lambda row: (row.same, _KINDS.index(row.kind), row.key))


def version_differences(cards: Sequence[ModelCard]) -> list[Difference]:
    """Versions of models side by side: what `differences` compares of their runs, without tags,
    then the notebook and the commit, the signature and the environment. Rows that differ first.
    """
    runs = [card.run for card in cards]
    columns: dict[str, list[Mapping[str, str | float]]] = {
        "metric": [run.metrics if run else {} for run in runs],
        "param": [card.params for card in cards],
        "dataset": [_datasets(run) if run else {} for run in runs],
        "code": [_code(run) if run else {} for run in runs],
        "input": [_columns(card.inputs) for card in cards],
        "output": [_columns(card.outputs) for card in cards],
        "environment": [_environment(card) for card in cards],
    }
    rows = [
        _row(kind, key, values)
        for kind, values in columns.items()
        for key in sorted({key for value in values for key in value})
    ]
    return sorted(rows, key=lambda row: (row.same, _OF_VERSIONS.index(row.kind)))


def _code(run: Run) -> dict[str, str | float]:
    found = {"notebook": run.notebook, "commit": run.tags.get("mlflow.source.git.commit")}
    return {key: value for key, value in found.items() if value}


def _columns(columns: Sequence[CardColumn]) -> dict[str, str | float]:
    return {
        column.name: column.type if column.required else f"{column.type}, optional"
        for column in columns
    }


def _environment(card: ModelCard) -> dict[str, str | float]:
    """Python, the libraries that can load it, and what it requires by package."""
    found: dict[str, str | float] = {"Python": card.python, "flavors": ", ".join(card.flavors)}
    for line in card.requirements:
        package = _PACKAGE.match(line)
        name = package.group() if package else line
        found[name] = line.removeprefix(name).strip() or "any"
    return {key: value for key, value in found.items() if value}


def _tags(run: Run) -> dict[str, str | float]:
    tags: dict[str, str | float] = {
        key: value for key, value in run.tags.items() if key not in _IGNORED_TAGS
    }
    return tags | ({"notebook": run.notebook} if run.notebook else {})


def _datasets(run: Run) -> dict[str, str | float]:
    parts = [ref.rpartition("@") if "@" in ref else (ref, "", "") for ref in run.datasets]
    return {name: at for name, _, at in parts}


def _row(kind: str, key: str, columns: Sequence[Mapping[str, str | float]]) -> Difference:
    values = [column.get(key) for column in columns]
    return Difference(
        kind=kind,
        key=key,
        values=values,
        same=all(_equal(values[0], value) for value in values[1:]),
    )


def _equal(first: str | float | None, second: str | float | None) -> bool:
    if (
        isinstance(first, float)
        and isinstance(second, float)
        and math.isnan(first)
        and math.isnan(second)
    ):
        return True
    return first == second
