"""Cancel reaches every process of a job, and nothing else."""

from __future__ import annotations

import sys
import time
from typing import Any

import pytest

from jupyter_mlinfra.core.errors import Conflict
from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.jobs import Jobs, JobSpec

# A launcher with workers in sessions of their own, one of which cleans its environment, and one
# that ignores SIGTERM.
TREE = """
import os, signal, subprocess, sys, time
def leaf(code, **options):
    code += "; open('leaves', 'a').write('x'); time.sleep(600)"
    subprocess.Popen([sys.executable, "-c", code], **options)
leaf("import time", start_new_session=True)
leaf("import time", start_new_session=True, env={})
leaf("import time, signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)", start_new_session=True)
leaf("import time, os; os.fork() and os._exit(0); os.setsid()")
open("leaves", "a").write("x")
time.sleep(600)
"""
LEAVES = 5


def test_a_job_that_waits_is_cancelled_at_once(jobs: Jobs, tools: Any) -> None:
    jobs.submit(JobSpec(command=tools.sleep, cpus=2))
    waiting = jobs.submit(JobSpec(command=["true"]))
    job = jobs.cancel(waiting.id)
    assert (job.state, job.reason, job.attempt) == (
        "cancelled",
        "Cancelled by ana before it started.",
        0,
    )


def test_a_running_job_is_cancelled_and_says_by_whom(jobs: Jobs, tools: Any) -> None:
    job = jobs.submit(JobSpec(command=tools.sleep))
    tools.until(lambda: jobs.show(job.id).state == "running")
    jobs.cancel(job.id)
    ended = jobs.wait([job.id], timeout=tools.wait)[0]
    assert (ended.state, ended.reason, ended.exit_code) == ("cancelled", "Cancelled by ana.", 143)


def test_a_job_that_ran_and_is_cancelled_while_it_waits_again_says_so(
    jobs: Jobs, tools: Any
) -> None:
    job = jobs.submit(JobSpec(command=tools.sleep))
    tools.until(lambda: jobs.show(job.id).state == "running")
    jobs.cancel(job.id)
    jobs.wait([job.id], timeout=tools.wait)
    blocker = jobs.submit(JobSpec(command=tools.sleep, cpus=2, priority=100))
    tools.until(lambda: jobs.show(blocker.id).state == "running")
    jobs.requeue(job.id)
    assert jobs.cancel(job.id).reason == "Cancelled by ana before it started again."


def test_a_job_may_tidy_up_within_the_grace(jobs: Jobs, project: Project, tools: Any) -> None:
    job = jobs.submit(
        JobSpec(
            command=[
                "sh",
                "-c",
                "trap 'echo tidy >> tidied; exit 0' TERM; touch up; while :; do sleep 0.02; done",
            ]
        )
    )
    tools.until((project.root / "up").exists)
    jobs.cancel(job.id)
    ended = jobs.wait([job.id], timeout=tools.wait)[0]
    assert (ended.state, ended.exit_code) == ("cancelled", 0)
    assert tools.lines(project.root / "tidied") == ["tidy"]


def test_a_job_that_ignores_the_wish_is_killed_after_the_grace(
    jobs: Jobs, project: Project, tools: Any
) -> None:
    job = jobs.submit(
        JobSpec(command=["sh", "-c", "trap '' TERM; touch up; while :; do sleep 0.02; done"])
    )
    tools.until((project.root / "up").exists)
    begun = time.monotonic()
    jobs.cancel(job.id)
    assert jobs.wait([job.id], timeout=tools.wait)[0].state == "cancelled"
    assert time.monotonic() - begun >= 1.0
    assert tools.processes_of(project.root, supervisor=False) == []


@pytest.mark.parametrize("supervisor_dies", [False, True])
def test_nothing_is_left_of_a_tree_with_children_in_sessions_of_their_own(
    supervisor_dies: bool, jobs: Jobs, project: Project, tools: Any
) -> None:
    job = jobs.submit(JobSpec(command=[sys.executable, "-c", TREE]))
    tools.until(lambda: tools.lines(project.root / "leaves") == ["x" * LEAVES])
    if supervisor_dies:
        tools.kill_supervisor(jobs)
    jobs.cancel(job.id)
    assert jobs.wait([job.id], timeout=tools.wait)[0].state == "cancelled"
    assert tools.processes_of(project.root, supervisor=False) == []
    assert not _cleaned_leaves(project)


def _cleaned_leaves(project: Project) -> list[int]:
    """Processes of the tree that cleaned their environment, found by the folder that they work
    in.
    """
    import psutil

    found = []
    for process in psutil.process_iter():
        try:
            if process.cwd() == str(project.root) and "leaves" in " ".join(process.cmdline()):
                found.append(process.pid)
        except psutil.Error:
            continue
    return found


def test_what_a_command_leaves_behind_is_ended_with_it(
    jobs: Jobs, project: Project, tools: Any
) -> None:
    job = jobs.submit(
        JobSpec(
            command=[
                "sh",
                "-c",
                (
                    "setsid sleep 600 & setsid sh -c 'trap \"\" TERM; touch up; sleep 600' & while"
                    " [ ! -e up ]; do sleep 0.02; done; exit 5"
                ),
            ]
        )
    )
    ended = jobs.wait([job.id], timeout=tools.wait)[0]
    assert (ended.state, ended.exit_code) == ("failed", 5)
    assert tools.processes_of(project.root, supervisor=False) == []


def test_what_a_job_detaches_on_purpose_outlives_it(
    jobs: Jobs, project: Project, tools: Any
) -> None:
    code = (
        "from pathlib import Path\nfrom jupyter_mlinfra.core.processes import"
        " spawn_detached\nspawn_detached('http.server', ['0', '--bind', '127.0.0.1'],"
        " log=Path('detached.log').absolute())\n"
    )
    job = jobs.submit(JobSpec(command=[sys.executable, "-c", code]))
    assert jobs.wait([job.id], timeout=tools.wait)[0].state == "succeeded"
    left = tools.until(lambda: tools.processes_of(project.root, supervisor=False))
    assert ["http.server" in process.cmdline() for process in left] == [True]


def test_cancelling_twice_or_after_the_end_changes_nothing(jobs: Jobs, tools: Any) -> None:
    done = jobs.submit(JobSpec(command=["sh", "-c", "exit 2"]))
    jobs.wait([done.id], timeout=tools.wait)
    assert (jobs.cancel(done.id).state, jobs.show(done.id).exit_code) == ("failed", 2)
    job = jobs.submit(JobSpec(command=tools.sleep))
    jobs.cancel(job.id)
    jobs.cancel(job.id)
    assert jobs.wait([job.id], timeout=tools.wait)[0].state == "cancelled"


def test_a_job_that_waits_for_its_next_try_can_be_cancelled(jobs: Jobs, tools: Any) -> None:
    job = jobs.submit(JobSpec(command=["false"], retries=9))
    tools.until(lambda: (seen := jobs.show(job.id)).state == "queued" and seen.attempt >= 2)
    assert jobs.cancel(job.id).state == "cancelled"


def test_a_cancel_that_is_taken_back_leaves_what_waits_as_it_was(jobs: Jobs, tools: Any) -> None:
    busy = jobs.submit(JobSpec(command=tools.sleep, cpus=2))
    tools.until(lambda: jobs.show(busy.id).state == "running")
    first = jobs.submit(JobSpec(command=["true"], name="first"))
    held = jobs.submit(JobSpec(command=["true"], name="held", after=[first.id]))
    later = jobs.submit(JobSpec(command=["true"], name="later", after=[held.id]))
    jobs.hold(held.id)
    order = [each.job.id for each in jobs.queue().items]
    jobs.cancel(first.id)
    assert [jobs.show(job.id).state for job in (first, held, later)] == ["cancelled"] * 3
    assert jobs.restore(first.id).state == "queued"
    assert [each.job.id for each in jobs.queue().items] == order
    assert [jobs.show(job.id).held_by for job in (first, held, later)] == ["", "ana", ""]
    jobs.release(held.id)


def test_a_job_that_ran_starts_again_when_its_cancel_is_taken_back(
    jobs: Jobs, tools: Any, project: Project
) -> None:
    job = jobs.submit(
        JobSpec(
            command=["sh", "-c", "trap '' TERM; touch up; while [ ! -e go ]; do sleep 0.02; done"]
        )
    )
    tools.until((project.root / "up").exists)
    jobs.cancel(job.id)
    with pytest.raises(Conflict, match="is being cancelled by ana"):
        jobs.restore(job.id)
    assert jobs.wait([job.id], timeout=tools.wait)[0].state == "cancelled"
    jobs.restore(job.id)
    (project.root / "go").touch()
    ended = jobs.wait([job.id], timeout=tools.wait)[0]
    assert (ended.state, ended.attempt) == ("succeeded", 2)
    with pytest.raises(Conflict, match="is succeeded"):
        jobs.restore(job.id)


def test_of_an_array_only_what_was_cancelled_starts_again(jobs: Jobs, tools: Any) -> None:
    array = jobs.submit(
        JobSpec(
            command=["sh", "-c", "[ $HOW = good ] && exec sleep 600"],
            cpus=2,
            array=[{"HOW": "bad"}, {"HOW": "good"}, {"HOW": "good"}],
        )
    )
    tools.until(
        lambda: (
            jobs.show(f"{array.id}/0").state == "failed"
            and jobs.show(f"{array.id}/1").state == "running"
        )
    )
    jobs.cancel(array.id)
    jobs.wait([array.id], timeout=tools.wait)
    jobs.restore(array.id)
    states = [str(job.state) for job in jobs.list(array=array.id).items]
    assert states[0] == "failed"
    assert "cancelled" not in states


def test_what_was_cancelled_by_itself_stays_so_when_the_cancel_of_another_is_taken_back(
    jobs: Jobs, tools: Any
) -> None:
    jobs.submit(JobSpec(command=tools.sleep, cpus=2))
    first = jobs.submit(JobSpec(command=["true"]))
    own, failed = (
        jobs.submit(JobSpec(command=["true"], after=[first.id])),
        jobs.submit(JobSpec(command=["true"])),
    )
    both = jobs.submit(JobSpec(command=["true"], after=[first.id, failed.id]))
    jobs.cancel(own.id)
    jobs.cancel(first.id)
    jobs.cancel(failed.id)
    jobs.restore(first.id)
    assert [str(jobs.show(job.id).state) for job in (first, own, both)] == [
        "queued",
        "cancelled",
        "cancelled",
    ]
