"""Wrappers that are started before their attempt: a job that gets one is told all of itself and
nothing else, and runs once whatever dies.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from pathlib import Path
from typing import Any

import psutil
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from searches import examples

from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.jobs import Job, Jobs, JobSpec
from jupyter_mlinfra.jobs.queue.store import JobStore

WORDS = st.text(
    st.characters(exclude_characters="\0", exclude_categories=("Cs",)), max_size=20
) | st.sampled_from(["'", "\\", "$(id)", "`id`", "\n", "-n", "Á", "\x81"])
NAMES = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,8}", fullmatch=True).filter(
    lambda name: (
        not name.startswith("MLINFRA") and name not in ("PATH", "PWD", "OLDPWD", "IFS", "_")
    )
)


def token_of(project: Project, job: Job) -> str:
    return JobStore(project.database).entry(job.id).token


def waiting(project: Project) -> list[psutil.Process]:
    """Wrappers of the project that have no job yet."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            words = process.environ()
            if (
                words.get("MLINFRA_PROCESS_TOKEN", "").startswith("warm-ready-")
                and words.get("MLINFRA_PROJECT") == str(project.root)
                and not process.children()
            ):
                found.append(process)
    return found


def log_of(project: Project, job: Job) -> bytes:
    return (project.home / "jobs" / job.id / "1" / "log").read_bytes()


def test_a_job_that_follows_another_finds_a_wrapper_waiting(
    jobs: Jobs, project: Project, tools: Any
) -> None:
    def ran(text: str) -> Job:
        job = jobs.wait(
            [
                jobs.submit(
                    JobSpec(command=["sh", "-c", f"echo {text}; echo $MLINFRA_JOB; pwd; exit 3"])
                ).id
            ],
            timeout=tools.wait,
        )[0]
        assert (job.state, job.exit_code, job.reason) == (
            "failed",
            3,
            f"Exit code 3: {project.root}",
        )
        assert log_of(project, job).decode().split() == [text, job.id, str(project.root)]
        return job

    first = ran("one")
    others = tools.until(
        lambda: [
            job
            for job in (ran("two"), ran("three"))
            if token_of(project, job).startswith("warm-ready-")
        ]
    )
    assert not token_of(project, first).startswith("warm-")
    assert (
        oct((project.home / "jobs" / others[0].id / "1" / "log").stat().st_mode & 0o777) == "0o600"
    )


@settings(
    max_examples=examples(30),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(words=st.lists(WORDS, max_size=4), environment=st.dictionaries(NAMES, WORDS, max_size=3))
def test_no_word_of_a_job_means_anything_to_the_shell(
    words: list[str], environment: dict[str, str], jobs: Jobs, project: Project, tools: Any
) -> None:
    shown = [
        sys.executable,
        "-S",
        "-c",
        (
            "import os, sys; os.write(1, b'\\0'.join(map(os.fsencode, [*sys.argv[1:],"
            " *(os.environ[n] for n in NAMES)])))"
        ),
    ]
    shown[-1] = shown[-1].replace("NAMES", repr(sorted(environment)))
    job = jobs.wait(
        [jobs.submit(JobSpec(command=[*shown, *words], environment=environment)).id],
        timeout=tools.wait,
    )[0]
    assert job.state == "succeeded", log_of(project, job)
    assert log_of(project, job) == b"\0".join(
        os.fsencode(text) for text in [*words, *(environment[name] for name in sorted(environment))]
    )


def test_a_variable_that_a_shell_may_not_be_told_reaches_the_job_all_the_same(
    jobs: Jobs, project: Project, tools: Any
) -> None:
    environment = {"UID": "a"}
    shown = [sys.executable, "-S", "-c", "import os; print(os.environ['UID'])"]
    for _ in range(2):
        job = jobs.wait(
            [jobs.submit(JobSpec(command=shown, environment=environment)).id], timeout=tools.wait
        )[0]
        assert log_of(project, job) == b"a\n"


def test_a_long_command_is_started_as_always(jobs: Jobs, project: Project, tools: Any) -> None:
    word = "x" * 70_000
    for _ in range(2):
        job = jobs.wait(
            [jobs.submit(JobSpec(command=["printf", "%s", word])).id], timeout=tools.wait
        )[0]
        assert log_of(project, job) == word.encode()


@pytest.mark.parametrize("point", ["giving", "given"])
def test_a_job_is_run_once_when_the_supervisor_dies_while_it_hands_it_over(
    point: str, jobs: Jobs, project: Project, tools: Any, submitter: Any
) -> None:
    assert submitter("jobs.start()", fail=point).returncode == 0
    pid = jobs.supervisor().pid
    assert pid is not None
    first = jobs.submit(JobSpec(command=["true"]))
    jobs.wait([first.id], timeout=tools.wait)
    ids = []
    # The second job finds a wrapper, or the third.
    while psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
        ids.append(jobs.submit(JobSpec(command=["sh", "-c", "echo x >> count; exit 7"])).id)
        tools.until(
            lambda: (
                jobs.show(ids[-1]).state == "failed"
                or not psutil.pid_exists(pid)
                or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
            )
        )
    ended = jobs.wait(ids, timeout=tools.wait)
    assert {(job.state, job.exit_code, job.attempt) for job in ended} == {("failed", 7, 1)}
    assert tools.lines(project.root / "count") == ["x"] * len(ids)


def test_a_wrapper_that_was_killed_while_it_waited_costs_no_job(
    jobs: Jobs, project: Project, tools: Any, run: Any
) -> None:
    run("true")

    for _ in range(4):
        for process in tools.until(lambda: waiting(project)) if _ < 3 else []:
            process.send_signal(signal.SIGKILL)
            tools.until(
                lambda: not process.is_running() or process.status() == psutil.STATUS_ZOMBIE  # noqa: B023
            )
        job = run("sh", "-c", "echo x >> count")
        assert (job.state, job.attempt) == ("succeeded", 1)
    assert tools.lines(project.root / "count") == ["x"] * 4


def test_none_waits_once_the_queue_is_quiet_or_the_supervisor_has_died(
    jobs: Jobs, project: Project, tools: Any, run: Any
) -> None:
    run("true")
    tools.until(lambda: len(waiting(project)) == 1)
    tools.kill_supervisor(jobs)
    tools.until(lambda: not waiting(project))
    run("true")
    tools.until(lambda: len(waiting(project)) == 1)
    tools.until(lambda: not waiting(project), seconds=30)  # it is kept for 10 s
    assert jobs.supervisor().pid is not None


def test_what_a_job_leaves_behind_is_ended_also_below_a_session_of_its_own(
    jobs: Jobs, project: Project, tools: Any, run: Any
) -> None:
    """It has become the supervisor's child, without the token of its job in its environment or
    not.
    """
    mark = Path(project.root / "pids")
    for prefix in ([], ["env", "-i", f"PATH={os.environ['PATH']}"]):
        left = " ".join([*prefix, "setsid", "sh", "-c", f"'echo $$ >> {mark}; exec sleep 600'"])
        job = run(
            "sh",
            "-c",
            f"{left} & while [ ! -s {mark} ]; do sleep 0.01; done; cp {mark} {mark}.seen; : >"
            f" {mark}",
        )
        assert job.state == "succeeded"
        pid = int(Path(f"{mark}.seen").read_text())
        if not prefix:
            assert (
                not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
            )
        elif psutil.pid_exists(pid):  # out of reach, as docs/jobs.md says
            os.kill(pid, signal.SIGKILL)
    assert run("true").state == "succeeded"
