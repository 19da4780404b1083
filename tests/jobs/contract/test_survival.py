"""kill -9 of whoever follows the jobs, at the worst moments: on every backend each job runs once
and ends with its own exit code.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from typing import Any

import psutil
import pytest

COUNTED = "echo x >> count; until [ -e go ]; do sleep 0.02; done; echo done >> count; exit 7"
PRELUDE = (
    "from jupyter_mlinfra.core.project import Project\nfrom jupyter_mlinfra.jobs import Jobs,"
    " JobSpec\njobs = Jobs(Project.open())\n"
)
FOLLOW = f"{PRELUDE}from jupyter_mlinfra.jobs.remote.client import FollowerControl\n"
START = {
    "local": f"{PRELUDE}jobs.start()",
    **{
        name: f"{FOLLOW}FollowerControl(Project.open(), {name!r}).start()"
        for name in ("slurm", "kubernetes", "ray")
    },
}
SUBMIT = f"{PRELUDE}jobs.submit(JobSpec(command=['sh', '-c', {COUNTED!r}]))"


def _elsewhere(site: Any, code: str, fail: str = "") -> int:
    """Another process that uses the same project; with a failpoint, which whoever it starts
    inherits.
    """
    environment = {**os.environ, **({"MLINFRA_FAIL": fail} if fail else {})}
    return subprocess.run(
        [sys.executable, "-c", code], cwd=site.root, env=environment, timeout=60, check=False
    ).returncode


def _gone(pid: int) -> bool:
    return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


@pytest.mark.slow
def test_no_job_is_lost_or_doubled_wherever_its_follower_dies(fresh_site: Any, tools: Any) -> None:
    site = fresh_site
    for number, point in enumerate(site.failpoints, 1):
        for name in ("go", "count"):
            (site.root / name).unlink(missing_ok=True)
        if pid := site.follower():
            os.kill(pid, signal.SIGTERM)
            tools.until(lambda pid=pid: _gone(pid))
        if point in ("ended", "settled"):
            (site.root / "go").touch()
        assert _elsewhere(site, START[site.backend], fail=point) == 0
        victim = site.follower()
        assert victim is not None
        assert _elsewhere(site, SUBMIT) == 0
        assert tools.until(lambda pid=victim: _gone(pid)), point  # it has died where it was to
        (site.root / "go").touch()
        jobs = site.jobs.list().items
        ended = site.end_of(jobs[0])[0]
        assert (len(jobs), ended.state, ended.exit_code, ended.attempt) == (
            number,
            "failed",
            7,
            1,
        ), point
        assert tools.lines(site.root / "count") == ["x", "done"], point


def test_a_job_is_accepted_before_anybody_hears_of_it(fresh_site: Any, tools: Any) -> None:
    site = fresh_site
    assert _elsewhere(site, SUBMIT, fail="submitted") == -signal.SIGKILL
    (site.root / "go").touch()
    ended = site.end_of(site.jobs.list().items[0])[0]
    assert (ended.exit_code, ended.attempt) == (7, 1)
    assert tools.lines(site.root / "count") == ["x", "done"]


def test_a_job_that_ends_while_nobody_looks_keeps_its_exit_code(
    fresh_site: Any, tools: Any
) -> None:
    site = fresh_site
    job = site.shell(COUNTED)
    tools.until(
        lambda: tools.lines(site.root / "count") and site.jobs.show(job.id).state == "running"
    )
    site.kill_follower()
    (site.root / "go").touch()
    tools.until(lambda: len(tools.lines(site.root / "count")) == 2)
    tools.until(lambda: not tools.processes_of(site.root))
    ended = site.end_of(job)[0]
    assert (ended.state, ended.exit_code, ended.attempt) == ("failed", 7, 1)


def test_a_cancel_that_nobody_hears_is_carried_out_by_the_next_follower(
    fresh_site: Any, tools: Any
) -> None:
    site = fresh_site
    job = site.submit("sleep", "600")
    tools.until(lambda: site.jobs.show(job.id).state == "running")
    site.kill_follower()
    site.jobs.cancel(job.id)
    assert site.end_of(job)[0].state == "cancelled"
    tools.until(lambda: not [one for one in tools.processes_of(site.root) if one.name() == "sleep"])


def test_random_kills_lose_and_double_nothing(fresh_site: Any, tools: Any) -> None:
    site, rng, expected = fresh_site, random.Random(20131225), dict[str, int]()
    for _ in range(5):
        for _ in range(rng.randint(1, 3)):
            code = rng.choice([0, 1, 7])
            expected[
                site.shell(
                    f'echo "$MLINFRA_JOB" >> runs; sleep {rng.choice([0, 0.1])}; exit {code}'
                ).id
            ] = code
        time.sleep(rng.random() * 0.3)
        site.kill_follower()
    ended = site.jobs.wait(expected, timeout=90)
    assert {job.id: (job.exit_code, job.attempt) for job in ended} == {
        job: (code, 1) for job, code in expected.items()
    }
    assert sorted(tools.lines(site.root / "runs")) == sorted(expected)
