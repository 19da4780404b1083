"""A real monitor over NannyML's census data, whose accuracy stays: its rules have to stay quiet.

Each window is a day of payload log, written by the writer of the serving processes. The monitor is
evaluated as its alarm does it, twice a day: before the labels of the day are in, and after. Rules:
the built-in ones; for days of many rows also accuracy, real and estimated, five points below that
of the reference. Some hundred rows would be as far from it by chance.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import numpy as np
import polars as pl

from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.deployments.runtime import journal
from jupyter_mlinfra.monitoring import AlertState, Monitoring, service, store
from jupyter_mlinfra.monitoring.alerts import store as alert_store
from jupyter_mlinfra.monitoring.references import labelled
from jupyter_mlinfra.monitoring.references import profiles as references
from jupyter_mlinfra.monitoring.verbs import figures as verbs
from jupyter_mlinfra.monitoring.verbs import recording as recording_verbs

from . import Checks

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.monitoring.logs import Logged, answered

FIRST_DAY = datetime(2026, 1, 1, tzinfo=UTC)
BEGINS, LASTS = timedelta(hours=8), timedelta(hours=1)
"""The requests of a day."""
RULES = """\
rules:
  - {{name: estimated, metric: performance_estimated.accuracy, op: <, threshold: {limit}}}
  - {{name: real, metric: performance_real.accuracy, op: <, threshold: {limit}}}
"""
FIVE_POINTS = 0.05
MANY, FEW = 2000, 500
DAYS = {MANY: 4, FEW: 12}
"""Rows of a day, and days of each year. The rule for drift judges no fewer than the few."""


class Experiments:
    """Knows nothing but the name of the version."""

    def version(self, ref: str) -> Any:
        model, _, number = ref.partition("/")
        return SimpleNamespace(model=model, version=int(number), datasets=())


@dataclass
class Watched:
    """A monitor of a deployment `flights` that has a payload log and no processes. states: how
    often each rule was in each state. told: what was not quiet. accuracy: with rules for it.
    """

    root: Path
    known: pl.DataFrame
    inputs: Sequence[str]
    accuracy: bool
    states: Counter[tuple[str, AlertState]] = field(default_factory=Counter)
    told: list[str] = field(default_factory=list)
    days: int = 0
    state: AlertState = AlertState.NO_DATA

    def __post_init__(self) -> None:
        self.root.mkdir()
        self.root.joinpath("mlinfra.toml").write_text("")
        if self.accuracy:
            right = int((self.known["prediction"] == self.known["employed"]).sum())
            rules = RULES.format(limit=right / self.known.height - FIVE_POINTS)
            self.root.joinpath("census.mlrules.yaml").write_text(rules)
        project = Project(self.root)
        log = Logged(self.root / "log")
        self.categories = [self.known[name].unique().drop_nulls().to_list() for name in self.inputs]
        with at(FIRST_DAY):
            self.monitoring = Monitoring(project, log, Experiments())  # type: ignore[arg-type]
            references.save(project, self._reference(project))
            self.monitoring.watch("flights")

    def _reference(self, project: Project) -> references.Reference:
        answers = self.known["predicted_probability"]
        made = references.make("flights/1", self.known.select(self.inputs), answers.to_list())
        rows = self.known.select(self.inputs).with_columns(prediction=answers)
        path = references.path_of(project, "flights/1")
        truth = self.known["employed"]
        return labelled.learned(made, path, rows, self.inputs, truth, "probabilities")

    def day(self, rows: pl.DataFrame) -> None:
        """One day's requests and labels, and two evaluations."""
        begun = FIRST_DAY + timedelta(days=self.days) + BEGINS
        self.days += 1
        self._log(begun, rows)
        self._evaluate(begun + timedelta(hours=4))
        labels = rows.select(pl.col("id").cast(str).alias("request_id"), label="employed")
        with at(begun + timedelta(hours=5)):
            self.monitoring.labels("flights", labels)
        self._evaluate(begun + timedelta(hours=6))

    def _log(self, begun: datetime, rows: pl.DataFrame) -> None:
        numbers = [
            rows[name].to_list()
            if rows[name].dtype.is_numeric()
            else rows[name].replace_strict(levels, range(len(levels)), default=None).to_list()
            for name, levels in zip(self.inputs, self.categories, strict=True)
        ]
        log = self.root / "log"
        log.mkdir(exist_ok=True)
        with at(begun):
            written = journal.Journal(log, self._head())
            step = LASTS / rows.height
            answers = zip(*numbers, rows["id"], rows["predicted_probability"], strict=True)
            for place, (*row, id, score) in enumerate(answers):
                ts = (begun + place * step).timestamp()
                written.put(answered(ts, str(id), [row], [score]), len(row) + 1)
            written.close()
        ended = (begun + LASTS).timestamp()
        for file in log.glob("*.jsonl"):  # whoever reads looks at files of its window only
            if file.stat().st_mtime > ended:
                os.utime(file, (ended, ended))

    def _head(self) -> dict[str, Any]:
        categories = [
            [] if self.known[name].dtype.is_numeric() else levels
            for name, levels in zip(self.inputs, self.categories, strict=True)
        ]
        return {
            "deployment": "flights",
            "version": "v1",
            "model": "flights/1",
            "names": list(self.inputs),
            "categories": categories,
        }

    def _evaluate(self, moment: datetime) -> None:
        with at(moment):
            self.monitoring.evaluate_all(self.told.append)
            alerts = self.monitoring.alerts().items
            self.state = self.monitoring.monitor("flights").state
        for alert in alerts:
            self.states[alert.name, alert.state] += 1
            if alert.state in (AlertState.PENDING, AlertState.FIRING):
                self.told.append(f"day {self.days}: {alert.name} {alert.state}: {alert.text}")


@contextmanager
def at(moment: datetime) -> Iterator[None]:
    """What is done in this block is done at that time."""
    clock = SimpleNamespace(time=moment.timestamp, sleep=time.sleep)
    with ExitStack() as stack:
        for module in (service, verbs, recording_verbs, store, alert_store, references):
            stack.enter_context(patch.object(module, "now", lambda: moment))
        stack.enter_context(patch.object(journal, "time", clock))
        yield


def quiet(known: pl.DataFrame, later: pl.DataFrame, inputs: Sequence[str], checks: Checks) -> None:
    """Print what a monitor says of days of both sizes, and of one that is not like the others.

    known, later: rows with `id`, `year`, `employed`, `prediction`, `predicted_probability` and the
    inputs. The file has households first and then homes and prisons, so the rows of each year are
    taken in a random order.
    """
    texts = pl.col(pl.Categorical).cast(str)
    known, later = known.with_columns(texts), later.with_columns(texts)
    random = np.random.default_rng(9)
    for size in (MANY, FEW):
        with tempfile.TemporaryDirectory() as folder:
            watched = Watched(Path(folder, "project"), known, inputs, accuracy=size == MANY)
            for rows in days(later, random, size):
                watched.day(rows)
            said(watched, size, checks)
            watched.told.clear()
            older = rows.with_columns(AGEP=pl.col("AGEP") + 20, id=pl.col("id") + 10**7)
            watched.day(older.with_columns(employed=1 - pl.col("employed")))
            heard = {text.split()[2] for text in watched.told}
            print(f"    a day of people 20 years older with wrong labels: {sorted(heard)} fire")
            needed = {"drift", "real"} if watched.accuracy else {"drift"}
            checks.holds(needed <= heard, f"{size} rows: a bad day was not noticed: {heard}")


def days(later: pl.DataFrame, random: np.random.Generator, size: int) -> Iterator[pl.DataFrame]:
    """Parts of each year, of `size` rows each."""
    for _, year in sorted(later.partition_by("year", as_dict=True).items()):
        shuffled = year[random.permutation(year.height)]
        for day in range(DAYS[size]):
            yield shuffled[day * size : (day + 1) * size]


def said(watched: Watched, size: int, checks: Checks) -> None:
    """Print the states of the rules; none may have been anything but good once it had data."""
    print(f"  {watched.days} windows of {size:,} rows, states of two evaluations each:")
    for rule in sorted({rule for rule, _ in watched.states}):
        found = {state.value: watched.states[rule, state] for state in AlertState}
        print(f"    {rule:10s} " + ", ".join(f"{n} {state}" for state, n in found.items() if n))
    for text in watched.told:
        checks.missed.append(f"windows of {size} rows: {text}")
    accuracy = ("estimated", "real") if watched.accuracy else ()
    for rule in ("drift", "failed", "refused", *accuracy):
        good = watched.states[rule, AlertState.OK]
        checks.holds(good >= watched.days, f"{size} rows: {rule} was good {good} times only")
    checks.holds(watched.state is AlertState.OK, f"{size} rows: the monitor is {watched.state}")
