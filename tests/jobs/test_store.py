"""The queue by itself, and what the start of a job makes of a full disk: no process is started
here.
"""

from __future__ import annotations

import errno
import math
import os
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from jupyter_mlinfra.core.processes import Identity
from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.jobs import Jobs, JobSpec, JobState
from jupyter_mlinfra.jobs.backends.launch import Place, TryLater, spawn
from jupyter_mlinfra.jobs.queue.inserting import Accepted
from jupyter_mlinfra.jobs.queue.rows import JobEntry, Launch
from jupyter_mlinfra.jobs.queue.store import JobStore


def begun(store: JobStore, spec: JobSpec, folder: Path) -> JobEntry:
    launch = Launch(
        folder=str(folder), command=spec.command, python="python", environment=str(folder / "none")
    )
    job = store.insert(
        spec, Accepted(name="x", launch=launch, snapshot=None, backend="local", user="ana")
    )
    return store.starting(job.id, token="t", gpu_ids=[])


@pytest.mark.parametrize(
    "counted", [True, False], ids=["a failed attempt", "one that asked to go on"]
)
def test_a_job_that_is_cancelled_while_its_attempt_ends_is_not_queued_again(
    counted: bool, project: Project, tmp_path: Path
) -> None:
    store = JobStore(project.database)
    entry = begun(store, JobSpec(command=["true"], retries=3), tmp_path)
    store.running(entry.job.id, Identity("boot", 1, 1))
    # After the supervisor looked for cancels, before it judges the attempt.
    store.request_cancel([entry.job.id], user="ana")
    ended = store.again(entry.job.id, reason="Tries again.", exit_code=1, counted=counted, delay=0)
    assert (ended.job.state, ended.job.reason, ended.job.exit_code) == (
        "cancelled",
        "Cancelled by ana.",
        1,
    )
    assert ended.job.ended_at is not None
    assert store.waiting(at=time.time() + 1, limit=5) == []


def test_a_submit_returns_once_the_job_is_on_the_disk(
    jobs: Jobs, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    forced, real = list[tuple[str, int]](), os.fdatasync

    def noted(handle: int) -> None:
        with project.database.read() as connection:
            forced.append(
                (
                    os.readlink(f"/proc/self/fd/{handle}"),
                    connection.execute("SELECT count(*) FROM job").fetchone()[0],
                )
            )
        real(handle)

    monkeypatch.setattr(os, "fdatasync", noted)
    jobs.submit(JobSpec(command=["true"], key="k"))
    assert forced == [(str(project.home / "state.db-wal"), 1)]  # after the job was written
    jobs.submit(JobSpec(command=["true"], key="k"))
    assert len(forced) == 2  # whoever submitted it first may have died before it was forced
    with project.database.read() as connection:
        # FULL, for all that nobody forces by hand.
        assert connection.execute("PRAGMA synchronous").fetchone()[0] == 2


def test_a_job_that_takes_no_slot_is_before_the_longest_queue(
    project: Project, tmp_path: Path
) -> None:
    store, launch = (
        JobStore(project.database),
        Launch(folder=str(tmp_path), command=["true"], python="python", environment="none"),
    )
    names = [
        store.insert(
            JobSpec(command=["true"], cpus=cpus, priority=priority),
            Accepted(name="x", launch=launch, snapshot=None, backend="local", user="ana"),
        ).id
        for cpus, priority in [(1, 50), (1, 90), (2, 50), (0, 10)]
    ]
    assert [item.id for item in store.waiting(at=time.time() + 1, limit=3)] == [
        names[3],
        names[1],
        names[0],
    ]


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EROFS])
@pytest.mark.parametrize("call", ["mkdir", "fsync"])
def test_a_full_disk_puts_a_start_off_and_fails_no_job(
    call: str, number: int, project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = begun(JobStore(project.database), JobSpec(notebook="n.ipynb"), tmp_path)

    def full(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, call, full)
    with pytest.raises(TryLater):
        spawn(entry, Place(root=project.root, home=project.home))


def test_a_change_is_seen_although_the_clock_was_set_back(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, clock = JobStore(project.database), [datetime(2030, 1, 2, tzinfo=UTC)]
    for module in ("store", "transitions", "inserting"):
        monkeypatch.setattr(f"jupyter_mlinfra.jobs.queue.{module}.now", lambda: clock[0])
    entry = begun(store, JobSpec(command=["true"]), tmp_path)
    before, clock[0] = store.fingerprint(), datetime(2030, 1, 1, tzinfo=UTC)
    store.running(entry.job.id, Identity("boot", 1, 1))
    running = store.fingerprint()
    assert running != before
    store.report_progress(entry.job.id, 0.5)
    assert store.fingerprint() == running


def test_a_reason_that_cannot_be_encoded_is_kept_as_far_as_it_can(
    project: Project, tmp_path: Path
) -> None:
    store = JobStore(project.database)
    entry = begun(store, JobSpec(command=["true"]), tmp_path)
    store.explain({entry.job.id: "caf\udce9 is gone"})
    assert store.entry(entry.job.id).job.reason == "caf? is gone"
    assert (
        store.end(
            entry.job.id, JobState.FAILED, reason="caf\udce9 is gone", exit_code=None
        ).job.reason
        == "caf? is gone"
    )


def test_a_job_of_an_earlier_version_with_a_limit_that_is_no_number_is_shown_without_it(
    project: Project, tmp_path: Path
) -> None:
    store = JobStore(project.database)
    entry = begun(store, JobSpec(notebook="n.ipynb", parameters={"rate": float("nan")}), tmp_path)
    with project.database.write() as connection:
        connection.execute(
            "UPDATE job SET spec = replace(spec, '\"time_limit_minutes\": null',"
            " '\"time_limit_minutes\": Infinity')"
        )
    spec = store.entry(entry.job.id).spec
    assert spec.time_limit_minutes is None
    assert math.isnan(spec.parameters["rate"])


def test_how_far_a_job_said_to_be_is_no_estimate_any_more_once_it_has_ended(
    project: Project, tmp_path: Path
) -> None:
    store = JobStore(project.database)
    job = begun(store, JobSpec(command=["true"]), tmp_path).job.id
    store.end(job, JobState.FAILED, reason="No.", exit_code=1, progress=(0.5, "half"))
    progress = store.job(job).progress
    assert progress is not None
    assert (progress.value, progress.basis) == (0.5, "exact")
