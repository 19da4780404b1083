"""Without any setting: the first notebook job of a project has one kernel kept for the next."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from jupyter_mlinfra.core.machine import memory_gib
from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.jobs import Jobs, JobSpec
from jupyter_mlinfra.jobs.local.client import Config
from jupyter_mlinfra.notebooks.warm.settings import WarmSettings

LOOK = """
import os
warm = "warm_runner" in open(f"/proc/{os.getppid()}/cmdline").read()
open(f"{os.environ['MLINFRA_JOB']}.txt", "w").write(str(warm))
"""


@pytest.fixture
def newcomer(project: Project, clean: Any) -> Iterator[Jobs]:
    """Jobs of a project with an empty `mlinfra.toml`."""
    (project.root / "mlinfra.toml").write_text("")
    yield from clean(project.root)


def test_the_first_notebook_job_of_a_project_keeps_one_kernel_ready_for_the_next(
    newcomer: Jobs, project: Project, tools: Any
) -> None:
    tools.write_notebook(project.root / "n.ipynb", tools.cell(LOOK))
    newcomer.wait([newcomer.submit(JobSpec(command=["true"])).id], timeout=tools.wait)
    log, seen = project.home / "logs" / "supervisor.log", list[str]()
    assert "warm" not in log.read_text()  # a command needs none
    for turn in range(2):
        job = newcomer.wait([newcomer.submit(JobSpec(notebook="n.ipynb")).id], timeout=tools.wait)[
            0
        ]
        assert job.state == "succeeded", job.reason
        seen.append((project.root / f"{job.id}.txt").read_text())
        tools.until(lambda turn=turn: log.read_text().count("keeps a kernel warm") == turn + 1)
    assert seen == ["False", "True"]


@pytest.mark.parametrize(
    ("text", "size", "room"),
    [
        ("", 1, min(2.0, memory_gib() / 8)),
        ('warm_kernels = "auto"\nwarm_memory_gib = 0.1', 1, 0.1),
        ("warm_kernels = 0", 0, 2.0),
        ("warm_kernels = 3\nwarm_memory_gib = 1000", 3, 1000.0),
    ],
)
def test_the_setting_says_how_many_and_within_how_much_memory(
    text: str, size: int, room: float, project: Project
) -> None:
    (project.root / "mlinfra.toml").write_text(f"[jobs]\n{text}\n")
    config = json.loads(Config.of(Project.open(project.root)).dump())
    assert (config["warm_kernels"], config["warm_memory_gib"]) == (size, pytest.approx(room))


def test_a_small_machine_gives_little_memory_unless_it_is_told_otherwise() -> None:
    assert WarmSettings().warm_room_gib(4.0) == 0.5
    assert WarmSettings().warm_room_gib(64.0) == 2.0
    assert WarmSettings(warm_kernels=1).warm_room_gib(4.0) == 2.0
