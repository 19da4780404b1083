"""Rich displays: a record or a page at the end of a cell is shown as a card or a table."""

from __future__ import annotations

import json
from collections import UserDict
from collections.abc import Sequence
from typing import Any

from ..core.display import mimebundle
from ..core.records import to_json
from .cards import CARDS, Card
from .known import current_card
from .rows import ROWS

RECORDS = {
    "catalog.spec": (
        "Column",
        "ColumnProfile",
        "Dataset",
        "DatasetDetail",
        "IngestReport",
        "Inspection",
        "Profile",
        "RowBlock",
        "Snapshot",
        "Verification",
    ),
    "core.lineage": ("Edge",),
    "core.records": ("Page",),
    "core.search": ("Hit",),
    "deployments.spec": (
        "Change",
        "DeployedVersion",
        "Deployment",
        "DeploymentDetail",
        "Prediction",
    ),
    "experiments.spec": (
        "Comparison",
        "Curve",
        "Difference",
        "Experiment",
        "Model",
        "ModelDetail",
        "Run",
        "Version",
    ),
    "features.spec": ("AppliedViews", "Feature", "Materialized", "OnlineRow", "View", "ViewDetail"),
    "jobs.spec": (
        "AttemptRecord",
        "Backend",
        "CodeDiff",
        "CodePreview",
        "CodeSnapshot",
        "Compute",
        "Device",
        "Estimate",
        "Job",
        "LeftOut",
        "LogHit",
        "LogChunk",
        "LogHits",
        "QueuedJob",
        "ResourcePoint",
        "Resources",
        "Supervisor",
    ),
    "notebooks.spec": ("JobParameter", "Parameter"),
    "monitoring.spec": ("Alert", "FeatureDrift", "Monitor", "MonitorStatus"),
    "pipelines.schedules.spec": ("Due", "Firing", "Schedule"),
    "pipelines.spec": (
        "Backfill",
        "BackfillDate",
        "Explanation",
        "Exported",
        "Pipeline",
        "PipelineDetail",
        "PipelineRun",
        "Proposal",
        "Step",
        "StepRun",
    ),
    "readiness": ("TargetCheck",),
}
"""Where each record that has a row or a card lives; named, so that none is imported before a cell
has one.
"""

LARGEST = 20_000
"""The longest JSON of a record, in characters, that is stored with a saved notebook; a larger
record keeps only its facts and table.
"""


def bundle(value: Any, *, ref: str = "") -> dict[str, Any]:
    """The display bundle of a record, a page, or a list of records: a live card, static escaped
    HTML, and text. ref: what a list belongs to.
    """
    card = current_card(value) or Card(title=type(value).__name__)
    title = (
        card.note
        if card.note.startswith(card.title)
        else " · ".join(filter(None, [card.title, card.note]))
    )
    return mimebundle(card.ref or ref, title, _kept(value), facts=card.facts, rows=card.rows)


def register(shell: Any) -> None:
    """Make a shell show records as cards."""
    formatter = shell.display_formatter.mimebundle_formatter
    for module, names in RECORDS.items():
        for name in names:
            formatter.for_type_by_name(f"jupyter_mlinfra.{module}", name, bundle)


class Records(Sequence[Any]):
    """A list of records that is shown as a table. Not a `list` or `UserList`, which IPython prints
    in its own way.
    """

    def __init__(self, items: Sequence[Any]) -> None:
        self._items = list(items)

    def __len__(self) -> int:
        return len(self._items)

    def __getitem__(self, index: Any) -> Any:
        return Records(self._items[index]) if isinstance(index, slice) else self._items[index]

    def __repr__(self) -> str:
        return str(self._repr_mimebundle_()["text/plain"])

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        return bundle(self._items)


class Facts(UserDict[str, Any]):
    """Values by name, shown one per line."""

    def __repr__(self) -> str:
        return str(self._repr_mimebundle_()["text/plain"])

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        from .words import plain

        return mimebundle(
            "", "answer", None, facts={name: plain(value) for name, value in self.items()}
        )


def _kept(value: Any) -> Any:
    if type(value).__name__ == "Page":
        return [getattr(item, "ref", None) for item in value.items]
    if type(value).__name__ not in {*CARDS, *ROWS}:
        return None
    plain = to_json(value)
    return plain if len(json.dumps(plain)) <= LARGEST else None
