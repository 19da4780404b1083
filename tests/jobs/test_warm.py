"""Warm kernels: a job cannot tell one from a cold start but by the clock, and whatever dies, it
runs once.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest

from jupyter_mlinfra.core.processes import Identity, boot_id
from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.jobs import Job, Jobs, JobSpec
from jupyter_mlinfra.jobs.attempt.files import Attempt
from jupyter_mlinfra.jobs.backends.launch import spawn_wrapper
from jupyter_mlinfra.jobs.inside.warm_messages import WRAPPER, Warming
from jupyter_mlinfra.jobs.local import running as live
from jupyter_mlinfra.jobs.queue.store import JobStore
from jupyter_mlinfra.notebooks.warm.imports import import_lines, lines_of
from jupyter_mlinfra.notebooks.warm.standing import Standing, changed_at

SETTINGS = (
    '[project]\nname = "test"\n[jobs]\ncpus = 2\ngpus = {gpus}\ngrace_seconds ='
    " 1.0\nwarm_kernels = {size}\nwarm_memory_gib = {memory}\n"
)
LOOK = """
import orjson, os, sys, json
me = {
    "warm": "warm_runner" in open(f"/proc/{os.getppid()}/cmdline").read(),
    "pid": os.getpid(), "cwd": os.getcwd(), "path": sys.path,
    "environment": dict(os.environ), "names": sorted(globals()),
    "leaked": hasattr(orjson, "leaked"), "helper": "helper" in sys.modules,
    "cached": "orjson" in sys.modules,
}
orjson.leaked = True
json.dump(me, open(f"{os.environ['MLINFRA_JOB']}.json", "w"))
"""
COUNTED = """
import os, sys, time
open("count", "a").write("x\\n")
while not os.path.exists("go"):
    time.sleep(0.02)
open("count", "a").write("done\\n")
sys.exit(7)
"""


class Pool:
    """The project under test, and what is seen of its warm kernels from outside."""

    def __init__(self, jobs: Jobs, project: Project, tools: Any) -> None:
        self.jobs, self.root, self.home, self._tools = jobs, project.root, project.home, tools

    def notebook(self, *sources: str, name: str = "n.ipynb", kernel: str = "python3") -> str:
        self._tools.write_notebook(
            self.root / name, *(self._tools.cell(source) for source in sources), kernel=kernel
        )
        return name

    def run(self, notebook: str, **spec: Any) -> Job:
        job: Job = self.jobs.wait(
            [self.jobs.submit(JobSpec(notebook=notebook, **spec)).id], timeout=self._tools.wait
        )[0]
        return job

    def look(self, notebook: str = "look.ipynb", **spec: Any) -> dict[str, Any]:
        """What a job sees of itself; its notebook is made of LOOK."""
        job = self.run(notebook, **spec)
        assert job.state == "succeeded", job.reason
        found: dict[str, Any] = json.loads((self.root / f"{job.id}.json").read_text())
        return found

    def ready(self, count: int) -> None:
        """Wait until that many kernels have been warmed in all."""
        self._tools.until(lambda: self.log().count("keeps a kernel warm") >= count)

    def log(self) -> str:
        path = self.home / "logs" / "supervisor.log"
        return path.read_text() if path.exists() else ""

    def processes(self) -> list[psutil.Process]:
        """Of warm runners without a job, and all below them."""
        return [
            process
            for process in self._tools.processes_of(self.root, supervisor=False)
            if "MLINFRA_JOB" not in process.environ()
        ]


def _pool(
    project: Project, tools: Any, *, size: int = 1, memory: float = 4.0, gpus: int = 0
) -> Iterator[Pool]:
    (project.root / "mlinfra.toml").write_text(SETTINGS.format(size=size, memory=memory, gpus=gpus))
    opened = Project.open(project.root)
    pool = Pool(Jobs(opened), opened, tools)
    pool.notebook(LOOK, name="look.ipynb")
    yield pool
    with contextlib.suppress(psutil.NoSuchProcess):
        for process in tools.processes_of(project.root):
            process.kill()
    tools.until(lambda: not tools.processes_of(project.root))
    from jupyter_mlinfra.core.runtime_folder import runtime_folder

    shutil.rmtree(runtime_folder(opened.home), ignore_errors=True)
    opened.database.close()


@pytest.fixture
def pool(project: Project, tools: Any) -> Iterator[Pool]:
    """One warm kernel."""
    yield from _pool(project, tools)


def outputs(pool: Pool, job: Job) -> list[Any]:
    """Counts and outputs of the executed cells."""
    assert job.output is not None
    cells = json.loads((pool.root / job.output).read_text())["cells"]
    return [
        (cell["execution_count"], cell["source"], cell["outputs"])
        for cell in cells
        if cell["cell_type"] == "code"
    ]


def test_a_job_in_a_warm_kernel_is_that_of_a_cold_start_but_for_the_clock(
    pool: Pool, project: Project, tools: Any
) -> None:
    (pool.root / "sub").mkdir()
    (pool.root / "sub" / "helper.py").write_text("value = 1\n")
    body = LOOK + "import helper\nprint('helper', helper.value)\nprint(depth)\ndepth"
    path = pool.root / "sub" / "n.ipynb"
    tools.write_notebook(
        path,
        tools.cell("depth = 1", "parameters"),
        tools.cell(body),
        tools.cell("import sys; print('err', file=sys.stderr); 1 / 0"),
    )
    asked = {"parameters": {"depth": 6}, "environment": {"MINE": "1"}}
    cold = pool.run("sub/n.ipynb", **asked)
    pool.ready(1)
    # Of the second snapshot: the kernel was warm before it.
    (pool.root / "sub" / "helper.py").write_text("value = 2\n")
    warm = pool.run("sub/n.ipynb", **asked)
    seen = [json.loads((pool.root / "sub" / f"{job.id}.json").read_text()) for job in (cold, warm)]
    assert [one["warm"] for one in seen] == [False, True]
    assert seen[1]["cached"]
    assert not seen[1]["helper"]  # the project's own code is not imported before the job is there
    assert [one["names"] for one in seen] == [seen[0]["names"]] * 2
    assert [one["cwd"] for one in seen] == [str(pool.root / "sub")] * 2
    trees = [
        str(pool.home / "snapshots" / "trees" / (job.snapshot or "") / "sub")
        for job in (cold, warm)
    ]
    assert [
        [part.replace(tree, "CODE") for part in one["path"]]
        for one, tree in zip(seen, trees, strict=True)
    ] == [[part.replace(trees[0], "CODE") for part in seen[0]["path"]]] * 2
    own = {
        "MLINFRA_JOB",
        "MLINFRA_CHECKPOINTS",
        "MLINFRA_PROGRESS",
        "MLINFRA_REASON",
        "MLINFRA_PROCESS_TOKEN",
        "JPY_PARENT_PID",
        "OLDPWD",
    }
    left = [
        {name: value for name, value in one["environment"].items() if name not in own}
        for one in seen
    ]
    assert left[0] == left[1]
    assert left[1]["MINE"] == "1"
    assert left[1]["CUDA_VISIBLE_DEVICES"] == ""
    assert seen[1]["environment"]["MLINFRA_JOB"] == warm.id
    first, second = outputs(pool, cold), outputs(pool, warm)
    # The one change: the helper's value.
    assert json.dumps(first).replace("helper 1", "helper 2") == json.dumps(second)
    assert (
        (cold.state, cold.exit_code, cold.reason)
        == (warm.state, warm.exit_code, warm.reason)
        == ("failed", 1, warm.reason)
    )
    assert "division by zero" in warm.reason
    assert pool.jobs.logs(warm.id).text == pool.jobs.logs(cold.id).text.replace(
        "helper 1", "helper 2"
    )


def test_a_warm_kernel_serves_once(pool: Pool) -> None:
    pool.look()
    pool.ready(1)
    second = pool.look()
    pool.ready(2)
    third = pool.look()
    assert second["warm"]
    assert third["warm"]
    assert second["pid"] != third["pid"]
    assert not third["leaked"]


def test_a_job_of_another_environment_or_kernel_is_not_served(
    pool: Pool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))
    # A model that is loaded in this process sets it.
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    for name in ("python3", "twin"):
        folder = tmp_path / "kernels" / name
        folder.mkdir(parents=True)
        argv = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        (folder / "kernel.json").write_text(
            json.dumps({"argv": argv, "display_name": name, "language": "python"})
        )
    pool.look()
    pool.ready(1)
    assert not pool.look(environment={"OMP_NUM_THREADS": "1"})["warm"]
    pool.notebook(LOOK, name="twin.ipynb", kernel="twin")
    assert not pool.look("twin.ipynb")["warm"]
    monkeypatch.setenv("SOMETHING_THAT_AN_IMPORT_MAY_READ", "1")
    assert not pool.look()["warm"]


@pytest.mark.slow
def test_a_step_of_a_pipeline_is_served_and_has_the_context_of_its_own_run(
    pool: Pool, project: Project
) -> None:
    from jupyter_mlinfra.pipelines import Pipelines

    (pool.root / "p.mlpipeline.yaml").write_text("steps: {only: {notebook: look.ipynb}}\n")
    pipelines = Pipelines(Project.open(project.root), pool.jobs)
    runs, seen = [], []
    for count in (1, 2):
        runs.append(pipelines.run("p", force=True))
        seen.append(json.loads((pool.root / f"{runs[-1].steps[0].job}.json").read_text()))
        pool.ready(count)
    assert [one["warm"] for one in seen] == [False, True]
    contexts = [json.loads(one["environment"]["MLFLOW_RUN_CONTEXT"]) for one in seen]
    assert [context["mlinfra.run"] for context in contexts] == [run.run for run in runs]
    assert runs[0].run != runs[1].run


@pytest.mark.slow
def test_a_module_of_the_project_is_used_in_place_of_an_installed_one_of_its_name(
    pool: Pool,
) -> None:
    name = pool.notebook(
        f"{LOOK}\nimport cronsim\nopen('found', 'a').write(cronsim.__file__ + '\\n')",
        name="uses.ipynb",
    )
    pool.look(name)
    pool.ready(1)
    assert pool.look(name)["warm"]
    pool.ready(2)
    (pool.root / "cronsim.py").write_text("")
    assert not pool.look(name)["warm"]
    files = (pool.root / "found").read_text().splitlines()
    assert "site-packages" in files[0]
    assert files[1] == files[0]
    assert files[2].startswith(str(pool.home / "snapshots" / "trees")), (
        "the frozen file of the project"
    )


@pytest.mark.slow
def test_a_notebook_with_a_relative_path_for_modules_works_each_time(
    pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    (pool.root / "lib").mkdir()
    (pool.root / "lib" / "helper.py").write_text("")
    name = pool.notebook("import helper", name="helped.ipynb")
    environment = {"PYTHONPATH": f"lib:{os.environ.get('PYTHONPATH', '/none')}"}
    pool.look()
    pool.ready(1)
    for _ in range(2):
        assert pool.run(name, environment=environment).state == "succeeded"
    assert pool.look()["warm"], "the one that stands by is for others"


def test_an_import_that_loads_what_is_not_installed_makes_a_kernel_unfit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from jupyter_mlinfra.notebooks.warm.inside import _foreign

    (tmp_path / "of_somebodys.py").write_text("")
    monkeypatch.syspath_prepend(str(tmp_path))
    known = set(sys.modules)
    importlib.import_module("of_somebodys")
    import json.tool

    import cronsim

    assert {cronsim.__name__, json.tool.__name__} <= set(sys.modules)
    assert _foreign({"cronsim", "json.tool", "sys"}) == ""
    assert (
        _foreign(set(sys.modules) - known) == f"An import has loaded of_somebodys from {tmp_path}"
    )


@pytest.mark.slow
def test_a_kernel_is_refreshed_when_what_it_was_made_from_has_changed(
    pool: Pool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))
    (tmp_path / "kernels").mkdir()
    pool.look()
    pool.ready(1)
    (tmp_path / "kernels" / "new").mkdir()
    assert not pool.look()["warm"]
    assert "an environment has changed" in pool.log()
    pool.ready(2)
    assert pool.look()["warm"]


def test_what_a_kernel_was_made_from_is_the_folders_of_installed_packages(tmp_path: Path) -> None:
    from jupyter_mlinfra.notebooks.warm.inside import _installed, _is_installed

    assert (
        os.path.realpath(next(path for path in sys.path if path.endswith("site-packages")))
        in _installed()
    )
    assert _is_installed("orjson", _installed())
    assert not _is_installed("json", _installed())  # of the standard library: nothing to win
    assert not _is_installed("no_such_module", _installed())
    standing = Standing(
        gpu=True, places={str(tmp_path): changed_at(str(tmp_path)), str(tmp_path / "none"): 0}
    )
    assert standing.fresh()
    (tmp_path / "package-2.dist-info").mkdir()
    assert not standing.fresh()


def test_imports_are_found_by_reading() -> None:
    cells = [
        (
            "%matplotlib inline\nimport polars as pl, xgboost\nfrom sklearn.linear_model import"
            " Ridge, Lasso"
        ),
        "def f():\n    import torch\nfrom . import x",
        "(",
    ]
    notebook = {
        "cells": [{"cell_type": "code", "source": source} for source in cells],
        "metadata": {},
    }
    assert import_lines(notebook) == [
        "import polars",
        "import xgboost",
        "from sklearn.linear_model import Ridge",
        "from sklearn.linear_model import Lasso",
    ]
    assert import_lines({**notebook, "metadata": {"language_info": {"name": "R"}}}) == []
    assert lines_of(["polars", "a.b", "os; print(1)"]) == ["import polars", "import a.b"]


def test_a_job_is_served_cold_when_the_kernel_has_died_meanwhile(pool: Pool, tools: Any) -> None:
    pool.look()
    pool.ready(1)
    kernel = next(
        process for process in pool.processes() if "ipykernel_launcher" in process.cmdline()
    )
    kernel.kill()
    tools.until(lambda: not kernel.is_running() or kernel.status() == psutil.STATUS_ZOMBIE)
    seen = pool.look()
    assert not seen["warm"]
    assert pool.jobs.list().items[0].attempt == 1


@pytest.mark.parametrize("wrapper", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_a_runner_that_is_killed_is_replaced(wrapper: bool, pool: Pool, tools: Any) -> None:
    pool.look()
    pool.ready(1)
    runners = [
        process
        for process in pool.processes()
        if "jupyter_mlinfra.jobs.inside.warm_runner" in process.cmdline()
    ]
    next(process for process in runners if (process.cmdline()[0] == "sh") == wrapper).kill()
    if not wrapper:
        tools.until(lambda: "it ended before it was used" in pool.log())
    assert pool.look()["warm"] is False
    pool.ready(2)
    assert pool.look()["warm"]
    assert [job.attempt for job in pool.jobs.list().items] == [1, 1, 1]


@pytest.mark.slow
def test_size_and_memory_are_respected(project: Project, tools: Any) -> None:
    for pool in _pool(project, tools, size=2, memory=0.01):
        pool.look()
        tools.until(lambda pool=pool: "they hold more than warm_memory_gib" in pool.log())
        tools.until(lambda pool=pool: not pool.processes())
        assert not pool.look()["warm"]
        # What does not fit is not tried again and again.
        assert pool.log().count("keeps a kernel warm") == 1


@pytest.mark.slow
def test_a_pool_is_filled_to_its_size_and_not_beyond(project: Project, tools: Any) -> None:
    for pool in _pool(project, tools, size=2):
        pool.look()
        pool.ready(2)
        runners = [
            process
            for process in pool.processes()
            if "jupyter_mlinfra.jobs.inside.warm_runner" in process.cmdline()
            and process.cmdline()[0] != "sh"
        ]
        assert len(runners) == 2
        done = pool.jobs.wait(
            [pool.jobs.submit(JobSpec(notebook="look.ipynb")).id for _ in range(2)],
            timeout=tools.wait,
        )
        seen = [json.loads((pool.root / f"{job.id}.json").read_text()) for job in done]
        assert [one["warm"] for one in seen] == [True, True]
        pool.jobs.stop()
        tools.until(lambda: not tools.processes_of(project.root))
        assert not list((pool.home / "warm").iterdir())


@pytest.mark.slow
def test_a_gpu_job_sees_its_gpu_in_a_warm_kernel(project: Project, tools: Any) -> None:
    for pool in _pool(project, tools, gpus=2):
        pool.look()
        pool.ready(1)
        seen = pool.look(gpus=1)
        assert seen["warm"]
        assert (
            seen["environment"]["CUDA_VISIBLE_DEVICES"]
            == pool.jobs.list().items[0].gpu_ids[0]
            != ""
        )


def test_a_cancel_reaches_the_kernel_and_what_left_its_session(pool: Pool, tools: Any) -> None:
    name = pool.notebook(
        "import subprocess, time, os\nsubprocess.Popen(['setsid', 'sleep', '600'])\nopen('up',"
        " 'w').close()\ntime.sleep(600)"
    )
    pool.look()
    pool.ready(1)
    job = pool.jobs.submit(JobSpec(notebook=name))
    tools.until((pool.root / "up").exists)
    assert any(
        "jupyter_mlinfra.jobs.inside.warm_runner" in process.cmdline()
        for process in tools.processes_of(pool.root)
        if "sleep" not in process.cmdline()
    )
    pool.jobs.cancel(job.id)
    assert pool.jobs.wait([job.id], timeout=tools.wait)[0].state == "cancelled"
    assert not [
        process
        for process in tools.processes_of(pool.root)
        if process.environ().get("MLINFRA_JOB") == job.id
    ]
    pool.jobs.stop()
    tools.until(lambda: not tools.processes_of(pool.root))


@pytest.mark.parametrize("point", ["giving", "given"])
def test_kill_9_of_the_supervisor_around_the_hand_over_loses_and_doubles_nothing(
    point: str, pool: Pool, project: Project, tools: Any
) -> None:
    code = (
        "from jupyter_mlinfra.core.project import Project\nfrom jupyter_mlinfra.jobs import"
        " Jobs\nJobs(Project.open()).start()"
    )
    subprocess.run(
        [sys.executable, "-c", code],
        cwd=project.root,
        env={**os.environ, "MLINFRA_FAIL": point},
        check=True,
        timeout=tools.wait,
    )
    name = pool.notebook(COUNTED)
    pool.look()
    pool.ready(1)
    pid = pool.jobs.supervisor().pid
    assert pid is not None
    job = pool.jobs.submit(JobSpec(notebook=name))
    tools.until(
        lambda: not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    )
    pool.jobs.heal()
    tools.until(lambda: tools.lines(project.root / "count"))
    (project.root / "go").touch()
    ended = pool.jobs.wait([job.id], timeout=tools.wait)[0]
    assert (ended.state, ended.exit_code, ended.attempt) == ("failed", 7, 1)
    assert tools.lines(project.root / "count") == ["x", "done"]


def test_kill_9_of_the_supervisor_during_a_job_in_a_warm_kernel_changes_nothing_for_it(
    pool: Pool, project: Project, tools: Any
) -> None:
    name = pool.notebook(COUNTED)
    pool.look()
    pool.ready(1)
    job = pool.jobs.submit(JobSpec(notebook=name))
    tools.until(
        lambda: tools.lines(project.root / "count") and pool.jobs.show(job.id).state == "running"
    )
    tools.kill_supervisor(pool.jobs)
    (project.root / "go").touch()
    ended = pool.jobs.wait([job.id], timeout=tools.wait)[0]
    assert (ended.state, ended.exit_code, ended.attempt) == ("failed", 7, 1)
    assert tools.lines(project.root / "count") == ["x", "done"]


def test_a_runner_without_a_job_ends_with_its_supervisor(pool: Pool, tools: Any) -> None:
    pool.look()
    pool.ready(1)
    assert pool.processes()
    tools.kill_supervisor(pool.jobs)
    tools.until(lambda: not tools.processes_of(pool.root))


def test_a_runner_whose_supervisor_dies_while_it_warms_up_ends_its_kernel(
    tmp_path: Path, tools: Any
) -> None:
    warming = Warming(
        kernel="python3", sockets=str(tmp_path / "k"), imports=["cronsim"], notebooks=[]
    )
    command = [
        sys.executable,
        "-P",
        "-m",
        "jupyter_mlinfra.jobs.inside.warm_runner",
        warming.dump(),
    ]
    ours, its = socket.socketpair()
    with its:
        pid = spawn_wrapper(
            WRAPPER,
            ["mlinfra-warm", *command],
            dict(os.environ),
            log=tmp_path / "log",
            pipe=its.fileno(),
        )
    tools.until(lambda: list(tmp_path.glob("k-*")))
    ours.close()
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 113
    assert (tmp_path / "log").read_text() == ""
    assert not list(tmp_path.glob("k-*"))


def test_a_runner_that_is_killed_once_it_has_a_job_leaves_the_exit_code_of_that(
    pool: Pool, tools: Any
) -> None:
    # Known to the runner alone: a cold start has no such point.
    environment = {"MLINFRA_FAIL": "claimed"}
    pool.look(environment=environment)
    pool.ready(1)
    ended = pool.run("look.ipynb", environment=environment)
    assert (ended.state, ended.exit_code, ended.attempt) == ("failed", 128 + signal.SIGKILL, 1)


def test_a_time_limit_counts_from_the_attempt_and_not_from_when_the_kernel_was_warmed(
    pool: Pool, project: Project
) -> None:
    job = pool.run("look.ipynb", time_limit_minutes=1.0)
    entry = replace(JobStore(project.database).entry(job.id), token=f"{live.WARM}x")
    attempt = Attempt.of(pool.home, job.id, 1)
    os.utime(attempt.folder / "claim", (time.time() - 20, time.time() - 20))
    limit = live.limit_at(entry, attempt, Identity(boot_id(), 1, 1))
    assert limit is not None
    assert 35 < limit - time.monotonic() <= 41


@pytest.mark.slow
def test_random_kills_with_warm_kernels_lose_and_double_nothing(
    pool: Pool, project: Project, tools: Any
) -> None:
    name, ids = (
        pool.notebook('import os\nopen("runs", "a").write(os.environ["MLINFRA_JOB"] + "\\n")'),
        list[str](),
    )
    pool.look()
    for pause in (0.0, 0.02, 0.1, 0.3):
        pool.ready(pool.log().count("keeps a kernel warm") or 1)
        ids.append(pool.jobs.submit(JobSpec(notebook=name)).id)
        time.sleep(pause)
        pid = pool.jobs.supervisor().pid
        if pid is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
    ended = pool.jobs.wait(ids, timeout=tools.wait)
    assert [(job.state, job.attempt) for job in ended] == [("succeeded", 1)] * len(ids)
    assert sorted(tools.lines(project.root / "runs")) == sorted(ids)
