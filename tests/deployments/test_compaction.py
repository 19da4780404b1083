"""Which payload logs the keeper has put in order, and when."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.deployments.targets import compaction
from jupyter_mlinfra.deployments.targets.compaction import (
    COMPACT_SECONDS,
    MERGE_SECONDS,
    Compaction,
)


def test_a_log_without_closed_journals_is_merged_too_but_not_at_every_round(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock, started = [1000.0], list[list[str]]()

    def start(_: Compaction, folders: Sequence[Path]) -> None:
        started.append([folder.name for folder in folders])

    monkeypatch.setattr(compaction, "time", SimpleNamespace(monotonic=lambda: clock[0]))
    monkeypatch.setattr(Compaction, "_start", start)
    for name, files in {
        "busy": ["v1-1-1.jsonl", "parquet/v1-0-1.parquet"],
        "quiet": ["parquet/v1-1-1.parquet", "parquet/v1-2-1.parquet", "v1-3-1.jsonl.open"],
        "single": ["parquet/v1-1-1.parquet"],
        "empty": [],
    }.items():
        for file in [project.folder("payloads", name) / file for file in files]:
            file.parent.mkdir(exist_ok=True)
            file.touch()
    rows: Any = [
        SimpleNamespace(name=name, versions=[]) for name in ("busy", "empty", "quiet", "single")
    ]
    keeper = Compaction(project)
    keeper.step(rows)
    assert started == [], "it is not due yet"
    for _ in range(2):
        clock[0] += COMPACT_SECONDS
        keeper.step(rows)
    assert started == [["busy", "quiet"], ["busy"]]
    clock[0] += MERGE_SECONDS
    keeper.step(rows)
    assert started[2] == ["busy", "quiet"]
