"""Runs side by side, with the differences first."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from .spec import Difference, Run

_KINDS = ("param", "metric", "tag", "dataset")
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
