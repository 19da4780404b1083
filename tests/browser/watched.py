"""A project with monitors: real payload logs, references, rules and a real pipeline. Only the
processes that would write the logs are missing, so that a test can choose the hour of a request.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.core.records import now
from jupyter_mlinfra.deployments.comparing import AnswerComparison
from jupyter_mlinfra.deployments.delivery.spec import DeliverySpec, StepCheck
from jupyter_mlinfra.deployments.replays import write_replay
from jupyter_mlinfra.deployments.targets.layout import payload_folder
from jupyter_mlinfra.monitoring.references import labelled
from jupyter_mlinfra.monitoring.references import profiles as references
from tests.browser.conftest import Server, cell, jupyterlab, write_notebook
from tests.monitoring.alerts.conftest import TRAINING, Flights
from tests.monitoring.logs import answered, write_journal

RULES = """\
# how the flights are watched
monitor: flights
rules:
  - name: drift
    metric: psi
    threshold: 0.2
    clear: 0.1
    min_rows: 100
    by: feature
    for: 1s
"""


@dataclass
class Watched:
    """A project with three monitors: `flights`, `trains` that nobody asks any more, and `ships`
    without a reference.
    """

    server: Server
    flights: Flights
    has_labels: bool = False
    """Whether a test has sent some: they stay."""

    def evaluate(self, monitor: str = "flights") -> None:
        self.server.ask(f"mlinfra/api/monitoring/monitors/{monitor}/evaluate", "POST", {})

    def status(self, part: str) -> Any:
        return self.server.ask(f"mlinfra/api/monitoring/{part}")


@contextmanager
def watch(root: Path, config: Path) -> Iterator[Watched]:
    """A JupyterLab on such a project in the empty folder `root`."""
    (root / "mlinfra.toml").write_text('[project]\nname = "watched"\n')
    (root / "flights.mlrules.yaml").write_text(RULES)
    flights, trains = Flights(Project(root)), Flights(Project(root), "trains")
    Flights(Project(root), "ships")
    with flights.project.database.write() as connection:
        connection.execute("UPDATE deployment SET up = 0")
        connection.execute("UPDATE deployment_version SET bundle = ?", (str(bundle(root)),))
        connection.execute(
            "UPDATE deployment_version SET number = 9 WHERE deployment = 'ships'",
        )
        connection.execute(
            "UPDATE deployment_version SET version = 'v9' WHERE deployment = 'ships'",
        )
    store = flights.bench.deployments._store
    store.begin("flights", "v3", target="local", model="flights", number=3, workers=1)
    references.save(flights.project, references.make("flights/3", TRAINING, [0.5] * 5000))
    learn(flights)
    track(flights)
    roll_out(flights)
    for hours in range(10, 0, -1):
        past(flights, hours)
    for hours in (5, 4):
        past(flights, hours, 100, version="v3")
    for hours in (31, 30):
        past(trains, hours)
    flights.monitoring.configure("flights", costs={"tp": 90, "fp": -30}, segments=["origin"])
    flights.monitoring.backfill("flights")
    with jupyterlab(root, config) as server:
        yield Watched(server, flights)
    command = [sys.executable, "-m", "jupyter_mlinfra.cli", "down"]
    subprocess.run(command, cwd=root, check=False, capture_output=True, timeout=120)


def shifted(flights: Flights) -> None:
    """Many requests of the last seconds, at which it is much warmer."""
    begun, random = now().timestamp() - 20, np.random.default_rng(7)
    entries = [
        answered(begun + place / 200, f"now-{place}", [[float(temp), float(wind)]], [0.5])
        for place, (temp, wind) in enumerate(random.normal((85, 10), (10, 3), (3_000, 2)))
    ]
    folder = payload_folder(flights.project, flights.name)
    write_journal(folder, begun, entries, names=TRAINING.columns, categories=[[], []], version="v2")


def past(flights: Flights, hours: int, rows: int = 300, version: str = "v2") -> None:
    """Requests like those of the training, in the hour that began so many hours ago; every third
    one is from JFK.
    """
    begun, random = now().timestamp() - 3600 * hours, np.random.default_rng(hours)
    inputs = zip(random.normal(60, 10, rows), random.normal(10, 3, rows), strict=True)
    entries = [
        answered(
            begun + 12 * place,
            f"{version}-{hours}-{place}",
            [[*map(float, row), int(place % 3 == 0)]],
            [random.random()],
        )
        for place, row in enumerate(inputs)
    ]
    folder = payload_folder(flights.project, flights.name)
    names, categories = [*TRAINING.columns, "origin"], [[], [], ["EWR", "JFK"]]
    write_journal(folder, begun, entries, names=names, categories=categories, version=version)


def bundle(root: Path) -> Path:
    """As much of a packaged version as says what it answers."""
    folder = root / ".mlinfra" / "deployments" / "bundle"
    folder.mkdir(parents=True)
    columns = [{"name": name, "type": "double", "optional": False} for name in TRAINING.columns]
    facts = {
        "columns": columns,
        "output_names": ["late"],
        "answers": "probabilities",
        "model_file": "model.ubj",
        "files": {},
        "requirements": [],
        "sample": {"names": TRAINING.columns, "ndarray": [[60.0, 9.0]]},
    }
    (folder / "bundle.json").write_text(json.dumps(facts))
    return folder


def learn(flights: Flights) -> None:
    """The reference with labels, so that performance can be estimated."""
    random = np.random.default_rng(3)
    score = random.random(TRAINING.height)
    rows = TRAINING.with_columns(pl.Series("prediction", score))
    made = references.make("flights/2", TRAINING, score.tolist())
    path = references.path_of(flights.project, "flights/2")
    references.save(
        flights.project,
        labelled.learned(
            made,
            path,
            rows,
            TRAINING.columns,
            pl.Series((random.random(TRAINING.height) < score).astype(float)),
            "probabilities",
        ),
    )


def track(flights: Flights) -> None:
    """The model is of a run that a step of a pipeline tracked."""
    import mlflow

    root = flights.project.root
    write_notebook(root / "train.ipynb", cell("print('trained')"))
    (root / "train.mlpipeline.yaml").write_text("steps:\n  fit: {notebook: train.ipynb}\n")
    flights.bench.experiments.activate()
    client = mlflow.MlflowClient(flights.bench.experiments.tracking_uri)
    client.create_registered_model("flights")
    for number in range(2):
        experiment = client.create_experiment(f"e{number}")
        run = client.create_run(experiment, tags={"mlinfra.step": "train/fit"}).info.run_id
        client.create_model_version("flights", f"runs:/{run}/model", run_id=run)


def roll_out(flights: Flights) -> None:
    """A plan gives v2 its traffic by steps; one replay to v2 was made."""
    at = now()
    checks = [
        StepCheck(name="requests", limit="100", measured="40", passed=None),
        StepCheck(name="errors", limit="1 %", measured="0 %", passed=True),
        StepCheck(name="latency", limit="100 ms", measured="140 ms", passed=False),
    ]
    replay = AnswerComparison(
        kind="replay",
        deployment=flights.name,
        version="v2",
        since=at - timedelta(days=1),
        until=at,
        rows=5_000,
        given_by={"v1": 5_000},
        agreement=0.971,
        rule="the same class",
        identical=None,
        score_shift=0.02,
        score_distance=None,
        spread=None,
        latency={"p95_ms": 44.0, "given_p95_ms": 21.0},
        latency_basis="one after the other",
        left_out=3,
        notes=["3 rows were left out."],
        at=at,
    )
    store = flights.bench.deployments._store
    with store.change(flights.name) as change:
        spec = DeliverySpec(steps=(5, 25, 100), every_seconds=600)
        change.plans.begin("v2", "v1", spec, user="ana")
        plan = change.plans.active()
        assert plan
        change.plans.judged(plan, checks, at=at.timestamp())
    with flights.project.database.write() as connection:
        write_replay(connection, replay, "ana")
