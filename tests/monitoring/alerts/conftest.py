"""A monitored deployment with a real payload log, without the processes that would write it."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest

from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.core.records import now
from jupyter_mlinfra.deployments.runtime.journal import Journal
from jupyter_mlinfra.deployments.store import DeploymentStore
from jupyter_mlinfra.deployments.targets.layout import payload_folder
from jupyter_mlinfra.monitoring import Monitoring
from jupyter_mlinfra.monitoring.references import profiles as references
from jupyter_mlinfra.workbench import Workbench

TRAINING = pl.DataFrame(
    {
        "temp": np.random.default_rng(1).normal(60, 10, 5000),
        "wind": np.random.default_rng(2).normal(10, 3, 5000),
    }
)


class Flights:
    """The deployment `flights`, or one of another name, whose version v2 has a reference, and its
    monitor.
    """

    def __init__(self, project: Project, name: str = "flights") -> None:
        self.name, self.logged = name, 0
        self.open(project)
        store = DeploymentStore(project.database, project.name)
        store.begin(name, "v2", target="local", model="flights", number=2, workers=1)
        profile = references.make("flights/2", TRAINING, np.random.default_rng(3).random(5000))
        references.save(project, profile)
        self.monitoring._store.add(name, name, "ana")

    def open(self, project: Project) -> None:
        """As another process opens it; nobody starts a supervisor."""
        self.project, self.bench = project, Workbench(project)
        self.monitoring = Monitoring(project, self.bench.deployments, self.bench.experiments)
        self.bench.__dict__["monitoring"] = self.monitoring
        self.alerts = self.bench.alerts

    def log(
        self, rows: int, *, shift: float = 0.0, at: datetime | None = None, status: int = 200
    ) -> None:
        """Requests of one row each in the hour before `at`, as a serving process logs them."""
        self.logged += 1
        random, end = np.random.default_rng(self.logged), at or now() - timedelta(seconds=1)
        head = {
            "format": 1,
            "deployment": self.name,
            "version": "v2",
            "model": "flights/2",
            "started": end.timestamp(),
            "names": TRAINING.columns,
            "categories": [[], []],
        }
        folder = payload_folder(self.project, self.name)
        folder.mkdir(parents=True, exist_ok=True)
        journal = Journal(folder, head)
        for number in range(rows):
            id = uuid.uuid4().hex
            entry: dict[str, Any] = {
                "id": id,
                "u": id,
                "ts": end.timestamp() - 3600 * number / rows,
                "ms": 2.0,
                "st": status,
            }
            if status < 400:
                inputs = [random.normal(60 + shift, 10), random.normal(10, 3)]
                entry |= {"k": "p", "x": [inputs], "y": [random.random()]}
            else:
                entry |= {"k": "e", "what": "temp is no number in row 0.", "b": "{}"}
            journal.put(entry)
        journal.close()


def set_clock(patch: pytest.MonkeyPatch, at: datetime) -> None:
    """Monitors measure, judge and record as at that moment."""
    for module in (
        *("service", "verbs.figures", "verbs.recording", "verbs.missed"),
        *("alerts.store", "alerts.backtests", "store"),
    ):
        patch.setattr(f"jupyter_mlinfra.monitoring.{module}.now", lambda: at, raising=False)


@pytest.fixture
def flights(project: Project) -> Flights:
    return Flights(project)
