"""What people do to a Slurm cluster while our jobs are there: they drain it, suspend, hold and take
jobs out, requeue, set limits.
"""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
def scontrol(slurm: Path) -> Callable[..., str]:
    """A command of Slurm's, as an administrator gives it."""

    def run(*words: str) -> str:
        environment = {**os.environ, "SLURM_CONF": str(slurm)}
        return subprocess.run(
            words, env=environment, capture_output=True, text=True, timeout=60, check=True
        ).stdout

    return run


def _running(site: Any, tools: Any, job: Any) -> str:
    return str(
        tools.until(lambda: (now := site.jobs.show(job.id)).state == "running" and now.remote)
    )


def test_a_suspended_job_can_be_cancelled(slurm_site: Any, scontrol: Any, tools: Any) -> None:
    job = slurm_site.submit("sleep", "600", queue="cpu")
    remote = _running(slurm_site, tools, job)
    scontrol("scontrol", "suspend", remote)
    tools.until(lambda: "uspended" in slurm_site.jobs.show(job.id).reason)
    slurm_site.jobs.cancel(job.id)
    assert slurm_site.end_of(job)[0].state == "cancelled"
    assert scontrol("squeue", "-h", "-t", "PD,R,S", "-j", remote, "-o", "%T").strip() == ""


@pytest.mark.slow
def test_a_job_that_reaches_the_limit_of_its_partition_has_failed(
    slurm_site: Any, scontrol: Any
) -> None:
    """And is not started from its beginning for ever: only one that saves its work and ends with 75
    goes on.
    """
    scontrol(
        "scontrol",
        "create",
        "PartitionName=short",
        "Nodes=n0",
        "MaxTime=1",
        "DefaultTime=1",
        "State=UP",
    )
    try:
        job = slurm_site.shell("echo x >> limited; exec sleep 600", queue="short")
        ended = slurm_site.end_of(job)[0]
    finally:
        scontrol("scontrol", "delete", "PartitionName=short")
    assert (ended.state, ended.attempt) == ("failed", 1)
    assert "time limit of its partition" in ended.reason


def test_an_element_that_somebody_takes_out_of_the_queue_does_not_come_back(
    slurm_site: Any, scontrol: Any, tools: Any
) -> None:
    holder = slurm_site.submit("sleep", "600", gpus=2)
    _running(slurm_site, tools, holder)
    array = slurm_site.shell("echo $I >> elements", array=[{"I": str(i)} for i in range(3)], gpus=2)
    element = tools.until(
        lambda: "Slurm" in (one := slurm_site.jobs.show(f"{array.id}/1")).reason and one
    )
    scontrol("scancel", element.remote)
    ended = slurm_site.end_of(element)[0]
    assert (ended.state, ended.attempt) == ("cancelled", 0)
    slurm_site.jobs.cancel(holder.id)
    assert [job.state for job in slurm_site.jobs.wait([array.id], timeout=60)] == [
        "succeeded",
        "cancelled",
        "succeeded",
    ]
    assert sorted(tools.lines(slurm_site.root / "elements")) == ["0", "2"]


@pytest.mark.parametrize("how", ["node", "partition"])
def test_what_is_being_maintained_refuses_no_job(
    slurm_site: Any, scontrol: Any, tools: Any, how: str
) -> None:
    stop = (
        ["nodename=n0", "state=drain", "reason=maintenance"]
        if how == "node"
        else ["partitionname=cpu", "state=INACTIVE"]
    )
    scontrol("scontrol", "update", *stop)
    try:
        job = slurm_site.submit("true", queue="cpu")
        reason = tools.until(
            lambda: (
                (now := slurm_site.jobs.show(job.id).reason)
                not in ("Waits for its turn.", "Sent to slurm.")
                and now
            )
        )
        assert slurm_site.jobs.show(job.id).state == "queued", reason
    finally:
        scontrol(
            "scontrol",
            "update",
            *(
                ["nodename=n0", "state=resume"]
                if how == "node"
                else ["partitionname=cpu", "state=UP"]
            ),
        )
    assert slurm_site.end_of(job)[0].state == "succeeded"


def test_a_hold_that_somebody_else_has_set_stays(
    slurm_site: Any, scontrol: Any, tools: Any
) -> None:
    holder = slurm_site.submit("sleep", "600", gpus=2)
    _running(slurm_site, tools, holder)
    job = slurm_site.submit("true", gpus=2)
    remote = tools.until(
        lambda: "Slurm" in (one := slurm_site.jobs.show(job.id)).reason and one.remote
    )
    scontrol("scontrol", "uhold", remote)
    tools.until(lambda: "scontrol release" in slurm_site.jobs.show(job.id).reason)
    slurm_site.jobs.cancel(holder.id)
    slurm_site.end_of(holder)
    assert scontrol("squeue", "-h", "-j", remote, "-o", "%T %r").split() == [
        "PENDING",
        "JobHeldUser",
    ]
    scontrol("scontrol", "release", remote)
    assert slurm_site.end_of(job)[0].state == "succeeded"


def test_a_log_is_read_on_from_its_offset_after_a_requeue(
    slurm_site: Any, scontrol: Any, tools: Any
) -> None:
    """What Slurm itself says of the first attempt is not put between."""
    job = slurm_site.shell("echo began; exec sleep 600", queue="cpu")
    remote, read = _running(slurm_site, tools, job), ""
    for attempt in (1, 2):
        part = tools.until(
            lambda attempt=attempt: (
                (part := slurm_site.jobs.logs(job.id)).text.count("began") == attempt and part
            )
        )
        assert part.text.startswith(read)
        read = part.text
        if attempt == 1:
            scontrol("scontrol", "requeuehold", remote)
            tools.until(lambda: "scontrol release" in slurm_site.jobs.show(job.id).reason)
            tools.until(lambda: scontrol("squeue", "-h", "-j", remote, "-o", "%t").strip() == "PD")
            # slurmd refuses a start whose credential is of the second in which the first start's
            # was revoked: why Slurm itself waits two minutes.
            requeued = time.time()
            tools.until(lambda since=requeued: int(time.time()) > since + 1)
            scontrol("scontrol", "release", remote)
            scontrol("scontrol", "update", f"JobId={remote}", "StartTime=now")
    slurm_site.jobs.cancel(job.id)
    slurm_site.end_of(job)
    assert slurm_site.jobs.logs(job.id).text.startswith(read)


def test_a_node_without_our_python_is_the_reason(slurm_site: Any) -> None:
    settings = slurm_site.root / "mlinfra.toml"
    settings.write_text(settings.read_text() + 'python = "/nowhere/python"\n')
    from jupyter_mlinfra.core.project import Project
    from jupyter_mlinfra.jobs import Jobs, JobSpec

    jobs = Jobs(Project.open(slurm_site.root))
    submitted = [
        jobs.submit(JobSpec(command=["true"])),
        jobs.submit(JobSpec(command=["true"], array=[{"I": "0"}, {"I": "1"}])),
    ]
    for ended in jobs.wait([job.id for job in submitted], timeout=60):
        assert ended.state == "failed"
        assert "/nowhere/python" in ended.reason
