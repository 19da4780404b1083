"""An ingest that a panel has started, as a job: its progress, and its cancel."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import polars as pl
import pytest

from jupyter_mlinfra.catalog import Catalog
from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.jobs import Job, Jobs
from jupyter_mlinfra.server.verbs import as_job
from jupyter_mlinfra.workbench import current


@pytest.fixture
def patient(project: Project, clean: Any) -> Iterator[Jobs]:
    """Jobs with a long grace: on a slow machine too, what is cancelled can take back its work."""
    (project.root / "mlinfra.toml").write_text(
        '[project]\nname = "test"\n[jobs]\nwarm_kernels = 0\ngrace_seconds = 60.0\n'
    )
    yield from clean(project.root)


def test_a_cancelled_ingest_has_told_its_progress_and_leaves_nothing(
    patient: Jobs, project: Project, tools: Any
) -> None:
    catalog = Catalog(project)
    catalog.write(pl.DataFrame({"id": [1], "word": ["a"]}), into="t.a")
    before = _stored(project)
    ids = pl.int_range(3_000_000, eager=True).alias("id")
    rows = pl.DataFrame([ids, ("a word of " + (ids % 997).cast(pl.String)).alias("word")])
    file = project.root / "a.csv"
    rows.write_csv(file)
    job = as_job(current(str(project.root)), "catalog ingest", str(file), of="t.a", into="t.a")
    told = tools.until(lambda: _told(patient.show(job.id)))
    assert told.state == "running", told.reason
    assert 0 < told.progress.value < 1
    assert "MB" in told.progress_text
    tools.until(lambda: _stored(project) - before)
    patient.cancel(job.id)
    (ended,) = patient.wait([job.id], timeout=tools.wait)
    assert (ended.state, ended.exit_code) == ("cancelled", 143)
    assert _stored(project) == before
    assert catalog.dataset("t.a").scan().collect().to_dicts() == [{"id": 1, "word": "a"}]


def _told(job: Job) -> Job | None:
    """The job, once it has told something or has ended."""
    is_told = job.progress is not None and job.progress.value > 0
    return job if is_told or job.ended_at else None


def _stored(project: Project) -> set[str]:
    """The files that an ingest makes."""
    folders = ("warehouse", "staging", "quarantine", "catalog/pending")
    found = [path for name in folders for path in (project.home / name).rglob("*")]
    return {str(path) for path in found if path.is_file() and path.suffix != ".lock"}
