"""Runs side by side, with the differences first."""

from __future__ import annotations

import json
import math
import shlex
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


def code_for(runs: Sequence[Run], curve: str | None) -> dict[str, str]:
    """Code for the same view: the curves of a metric, or the table if nothing was logged over
    steps.
    """
    ids = [run.id for run in runs]
    listed, words = json.dumps(ids), " ".join(id[:8] for id in ids)
    if curve is None:
        python = f"import jupyter_mlinfra as ml\n\nml.runs({listed}).frame()"
    else:
        python = (
            "import jupyter_mlinfra as ml\nfrom jupyter_mlinfra import charts\n\n"
            f"comparison = ml.runs({listed}).compare()\n"
            f"charts.metric_curves(comparison.frame({json.dumps(curve)}),"
            f" metric={json.dumps(curve)})"
        )
    return {
        "python": python,
        "magic": f"%runs compare {words}",
        "cli": f"mlinfra runs compare {words}",
    }


def code_for_model(name: str, version: str) -> dict[str, str]:
    """Code that loads a version of the model. version: `@champion`, `/3`."""
    return {
        "python": (
            f"import jupyter_mlinfra as ml\n\nmodel = ml.model({json.dumps(name + version)}).load()"
        ),
        "magic": f"%models show {name}",
        "cli": f"mlinfra models show {shlex.quote(name)}",
    }


def _tags(run: Run) -> dict[str, str | float]:
    found: dict[str, str | float] = {
        key: value for key, value in run.tags.items() if key not in _IGNORED_TAGS
    }
    return found | ({"notebook": run.notebook} if run.notebook else {})


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


def _equal(one: str | float | None, other: str | float | None) -> bool:
    if (
        isinstance(one, float)
        and isinstance(other, float)
        and math.isnan(one)
        and math.isnan(other)
    ):
        return True
    return one == other
