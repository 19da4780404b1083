"""The window of the last training set of each view: what drift is measured against."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...core.errors import MLInfraError
from ...core.files import file_lock, write_atomic
from ...core.records import now, to_json
from ..definitions import split_version
from .spec import TrainingWindow

if TYPE_CHECKING:
    import polars as pl

    from ...core.project import Project

FEWEST = 100
"""Rows of a training set that counts: a few rows to try something are none."""


def window_of(entities: pl.DataFrame, at: str) -> TrainingWindow | None:
    """The window of these rows; None if they are too few, or have no times."""
    from ..join import utc

    times = entities.select(utc(at, entities.schema[at]).alias(at))[at]
    first, last = times.min(), times.max()
    if (
        entities.height < FEWEST
        or not isinstance(first, datetime)
        or not isinstance(last, datetime)
    ):
        return None
    return TrainingWindow(first=first, last=last, rows=entities.height, made_at=now())


def keep(
    project: Project, views: Sequence[str], window: TrainingWindow | None, dataset: str = ""
) -> None:
    """Keep a window as the last one of these views, also of a version of one. dataset: where the
    training set is stored; such a one is not replaced by one that is stored nowhere.
    """
    if window is None:
        return
    path = _file(project)
    # What cannot be kept costs the drift, not the training set.
    with contextlib.suppress(MLInfraError, OSError), file_lock(path.with_suffix(".lock")):
        kept = _read(project)
        for view in (split_version(name)[0] for name in views):
            if dataset or not kept.get(view, {}).get("dataset"):
                kept[view] = to_json(asdict(replace(window, dataset=dataset)))
        write_atomic(path, json.dumps(kept).encode())


def last(project: Project, view: str) -> TrainingWindow | None:
    """The window of the last training set that had features of this view."""
    try:
        item = _read(project)[view]
        times = {name: datetime.fromisoformat(item[name]) for name in ("first", "last", "made_at")}
        return TrainingWindow(**{**item, **times})
    except (KeyError, TypeError, ValueError):
        return None


def _read(project: Project) -> dict[str, Any]:
    try:
        found = json.loads(_file(project).read_text())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, Mapping) else {}  # type: ignore[return-value]


def _file(project: Project) -> Path:
    return project.folder("features") / "trained.json"
