"""A shell beside a local job: its code, its GPUs, its variables, and that it is no process of the
job.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from jupyter_mlinfra.core.errors import BadRequest, Conflict, NotFound
from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.jobs import Jobs, JobSpec

SCRIPT = """
import json, os, pathlib, time
pathlib.Path("seen.json.new").write_text(json.dumps(dict(os.environ)))
pathlib.Path("seen.json.new").rename("seen.json")
while not pathlib.Path("go").exists():
    time.sleep(0.02)
"""


@pytest.fixture
def submitted(
    project: Project, jobs: Jobs, tools: Any, monkeypatch: pytest.MonkeyPatch
) -> tuple[Any, dict[str, str]]:
    """A job that runs a script of the project with a secret, and the environment that it sees."""
    monkeypatch.setenv("OF_THE_SUBMITTER", "yes")
    monkeypatch.setenv("TOKEN", "hush")
    (project.root / "train.py").write_text(SCRIPT)
    job = jobs.submit(
        JobSpec(command=[sys.executable, "train.py"], environment={"SECRET": "env:TOKEN"})
    )
    seen = project.root / "seen.json"
    tools.until(seen.exists)
    return job, json.loads(seen.read_text())


def test_a_shell_has_the_job_s_environment_but_is_none_of_its_processes(
    submitted: Any, jobs: Jobs, project: Project, tools: Any
) -> None:
    job, seen = submitted
    found = jobs.attach(job.id)
    del seen["MLINFRA_PROCESS_TOKEN"]
    own = {"PWD", "OLDPWD", "SHLVL", "_"}  # of the wrapper's shell
    assert {name: value for name, value in found.environment.items() if name not in own} == {
        name: value for name, value in seen.items() if name not in own
    }
    assert found.environment["SECRET"] == "hush"
    assert (found.environment["CUDA_VISIBLE_DEVICES"], found.note) == ("", "")
    assert "hush" not in repr(found)
    assert Path(found.folder).is_relative_to(project.home)
    assert (Path(found.folder) / "train.py").read_text() == SCRIPT
    said = subprocess.run(
        [*found.command, "-c", "echo $MLINFRA_JOB; cat train.py | head -2"],
        cwd=found.folder,
        env=found.environment,
        capture_output=True,
        text=True,
    )
    assert said.stdout.split("\n")[:3] == [job.id, "", "import json, os, pathlib, time"]
    (project.root / "go").touch()
    assert jobs.wait([job.id], timeout=tools.wait)[0].state == "succeeded"


def test_a_job_that_has_ended_gives_its_code_and_no_gpus(
    submitted: Any, jobs: Jobs, project: Project, tools: Any
) -> None:
    job, _ = submitted
    (project.root / "go").touch()
    jobs.wait([job.id], timeout=tools.wait)
    found = jobs.attach(job.id)
    assert "has ended" in found.note
    assert found.environment["CUDA_VISIBLE_DEVICES"] == ""
    assert (Path(found.folder) / "train.py").read_text() == SCRIPT


def test_where_no_shell_can_be_the_reason_is_said(jobs: Jobs, project: Project, tools: Any) -> None:
    folder = project.root / "work"
    folder.mkdir()
    held = jobs.submit(
        JobSpec(
            command=["sleep", "60"],
            cwd="work",
            after=[jobs.submit(JobSpec(command=list(tools.sleep))).id],
        )
    )
    with pytest.raises(Conflict, match="has not started"):
        jobs.attach(held.id)
    done = jobs.submit(JobSpec(command=["true"], cwd="work"))
    jobs.wait([done.id], timeout=tools.wait)
    assert jobs.attach(done.id).folder == str(folder)
    folder.rmdir()
    with pytest.raises(NotFound, match="is gone"):
        jobs.attach(done.id)
    array = jobs.submit(JobSpec(command=["true"], array=[{"A": 1}, {"A": 2}]))
    with pytest.raises(BadRequest, match="array"):
        jobs.attach(array.id)
