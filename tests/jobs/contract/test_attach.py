"""A shell beside a job of a cluster, for real: it sees what the job sees."""

from __future__ import annotations

import os
import pty
import re
import select
import subprocess
from pathlib import Path
from typing import Any

import pytest

from jupyter_mlinfra.core.errors import Conflict, Unavailable


def at_a_terminal(command: list[str], words: dict[str, str], *, folder: str, typed: bytes) -> str:
    """What a program says at a terminal at which something is typed."""
    outer, inner = pty.openpty()
    process = subprocess.Popen(
        command,
        cwd=folder,
        env=words,
        stdin=inner,
        stdout=inner,
        stderr=inner,
        start_new_session=True,
    )
    os.close(inner)
    os.write(outer, typed)
    said = b""
    try:
        while process.poll() is None or select.select([outer], [], [], 0)[0]:
            if select.select([outer], [], [], 0.2)[0]:
                said += os.read(outer, 65_536)
    except OSError:  # the other end is closed
        pass
    finally:
        os.close(outer)
        process.wait(60)
    return said.decode(errors="replace").replace("\r", "")


def test_a_shell_of_slurm_is_a_step_of_the_job(slurm_site: Any, tools: Any) -> None:
    (slurm_site.root.parent / "bin" / "srun").symlink_to("/usr/bin/srun")
    job = slurm_site.shell("echo began; while [ ! -e go ]; do sleep 0.05; done", gpus=1, cpus=1)
    with pytest.raises(Conflict, match="has not started"):
        slurm_site.jobs.attach(job.id)
    tools.until(
        lambda: (
            slurm_site.jobs.show(job.id).state == "running"
            and "began" in slurm_site.jobs.logs(job.id).text
        )
    )
    found = slurm_site.jobs.attach(job.id)
    typed = b'echo "<$SLURM_JOB_ID $MLINFRA_JOB $PWD>"\nexit\n'
    words = {**found.environment, "SHELL": "/bin/sh", "TERM": "dumb"}
    said = at_a_terminal([*found.command[:-1], "/bin/sh"], words, folder=found.folder, typed=typed)
    remote = slurm_site.jobs.show(job.id).remote
    assert f"<{remote} {job.id} {slurm_site.root}>" in said, said
    (slurm_site.root / "go").touch()
    slurm_site.end_of(job)
    with pytest.raises(Conflict, match="does not run"):
        slurm_site.jobs.attach(job.id)


def test_a_shell_of_slurm_goes_to_the_element_that_is_named(
    slurm_site: Any, slurm: Path, tools: Any
) -> None:
    (slurm_site.root.parent / "bin" / "srun").symlink_to("/usr/bin/srun")
    array = slurm_site.shell(
        "echo $N; while [ ! -e go ]; do sleep 0.05; done", array=[{"N": 1}, {"N": 2}]
    )
    second = array.array.elements[1]
    tools.until(lambda: slurm_site.jobs.show(second).state == "running")
    found = slurm_site.jobs.attach(second)
    remote = slurm_site.jobs.show(second).remote
    shown = subprocess.run(
        ["scontrol", "show", "job", remote],
        env={**os.environ, "SLURM_CONF": str(slurm)},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    said = at_a_terminal(
        [*found.command[:-1], "/bin/sh"],
        dict(found.environment),
        folder=found.folder,
        typed=b'echo "<JobId=$SLURM_JOB_ID>"\nexit\n',
    )
    (number,) = re.findall(r"^JobId=\d+", shown)
    assert f"<{number}>" in said, said
    (slurm_site.root / "go").touch()
    slurm_site.end_of(slurm_site.jobs.show(second))


def test_without_srun_the_fix_is_named(slurm_site: Any, tools: Any) -> None:
    job = slurm_site.shell("while [ ! -e go ]; do sleep 0.05; done")
    tools.until(lambda: slurm_site.jobs.show(job.id).state == "running")
    with pytest.raises(Unavailable, match="There is no srun"):
        slurm_site.jobs.attach(job.id)
    (Path(slurm_site.root) / "go").touch()
