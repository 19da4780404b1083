"""Payload logs as serving processes write them, without the processes."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import polars as pl
import pytest

from jupyter_mlinfra.core.errors import NotFound
from jupyter_mlinfra.deployments import Vitals
from jupyter_mlinfra.deployments.payload_log import parts, quarantine, reading
from jupyter_mlinfra.deployments.payload_log.lazy import lazy
from jupyter_mlinfra.monitoring.verbs import figures as verbs
from jupyter_mlinfra.monitoring.verbs import recording as recording_verbs

HOUR = 3600


def set_now(monkeypatch: pytest.MonkeyPatch, moment: datetime) -> None:
    """The verbs measure and record as at that moment."""
    for module in (verbs, recording_verbs):
        monkeypatch.setattr(module, "now", lambda: moment)


@dataclass
class Logged:
    """One deployment with its real payload log; only its processes are missing."""

    folder: Path
    traffic: dict[str, int] = field(default_factory=lambda: {"v1": 100})
    answers: str = "probabilities"
    model: str = "flights"
    minutes: Sequence[Vitals] = ()

    def show(self, name: str) -> Any:
        if name != "flights" or not self.traffic:
            raise NotFound(f"There is no deployment {name}.")
        versions = [
            SimpleNamespace(version=version, model=self.model, traffic=percent)
            for version, percent in self.traffic.items()
        ]
        deployment = SimpleNamespace(versions=versions)
        return SimpleNamespace(deployment=deployment, answers=self.answers, signature=())

    def payload_parts(
        self,
        name: str,
        *,
        since: datetime,
        until: datetime,
        ids: Sequence[str] | None = None,
        read: str = "",
    ) -> Iterator[parts.Part]:
        return parts.parts(self.folder, since, until, ids=ids, read=read)

    def payloads_lazily(self, name: str) -> pl.LazyFrame:
        return lazy(self.folder)

    def payload_hours(self, name: str, *, since: float, until: float) -> Sequence[int]:
        return parts.hours(self.folder, since, until)

    def payloads_since(self, name: str) -> datetime | None:
        return parts.oldest(self.folder)

    def vitals(self, name: str, *, since: datetime, until: datetime) -> Iterator[Vitals]:
        first, last = since.timestamp(), until.timestamp()
        return (minute for minute in self.minutes if first <= minute.at < last)

    def payloads(self, name: str, *, since: datetime | None = None) -> pl.DataFrame:
        return reading.scan(self.folder, since)

    def payloads_refused(self, name: str, *, since: datetime | None = None) -> pl.DataFrame:
        return reading.refused(self.folder, since)

    def payloads_feedback(self, name: str, *, since: datetime | None = None) -> pl.DataFrame:
        return reading.feedback(self.folder, since)

    def payloads_problems(self, name: str, *, since: datetime | None = None) -> Sequence[str]:
        return list(quarantine.problems(self.folder, since, None))

    def payloads_state(self, name: str, *, since: datetime) -> str:
        return parts.state(self.folder, since)

    def payloads_dropped(self, name: str, *, since: datetime | None = None) -> int:
        return reading.dropped(self.folder, since)


def write_journal(
    folder: Path,
    begun: float,
    entries: Sequence[Mapping[str, Any]],
    *,
    names: Sequence[str],
    categories: Sequence[Sequence[str]] = (),
    types: Sequence[str] = (),
    version: str = "v1",
    pid: int = 7,
    ending: str = ".jsonl",
) -> Path:
    """A closed journal."""
    folder.mkdir(parents=True, exist_ok=True)
    head = {
        "format": 1,
        "deployment": "flights",
        "version": version,
        "model": "flights/1",
        "started": begun,
        "names": list(names),
        "categories": list(categories),
        "types": list(types),
    }
    path = folder / f"{version}-{int(begun * 1e6)}-{pid}{ending}"
    path.write_text("".join(json.dumps(line) + "\n" for line in (head, *entries)))
    return path


def answered(
    ts: float, id: str, rows: Sequence[Sequence[Any]], scores: Sequence[Any], **more: Any
) -> dict[str, Any]:
    """One answered request."""
    return {
        "k": "p",
        "id": id,
        "u": f"u-{id}",
        "ts": ts,
        "ms": 2.5,
        "st": 200,
        "x": [list(row) for row in rows],
        "y": list(scores),
        **more,
    }


def refused(ts: float, id: str, status: int = 400) -> dict[str, Any]:
    """One refused or failed request."""
    return {
        "k": "e",
        "id": id,
        "u": f"u-{id}",
        "ts": ts,
        "ms": 0.5,
        "st": status,
        "what": "Column origin has an unknown category.",
        "b": "{}",
    }


def some_rows(
    random: np.random.Generator, count: int, *, shift: float = 0.0
) -> tuple[list[list[float]], list[float]]:
    """Inputs `temp` and `origin` (as a place among three), and scores."""
    temp = random.normal(60 + shift, 10, count).round(3)
    origin = random.integers(0, 3, count)
    rows = [[float(a), int(b)] for a, b in zip(temp, origin, strict=True)]
    return rows, [float(score) for score in random.random(count).round(4)]
