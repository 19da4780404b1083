"""A project that is opened on two machines: one follows, and the other lets it."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from jupyter_mlinfra.core.daemons import control
from jupyter_mlinfra.core.daemons.registration import FileRegistry, Registration
from jupyter_mlinfra.core.errors import Unavailable
from jupyter_mlinfra.core.files import file_lock
from jupyter_mlinfra.core.processes import Identity, boot_id
from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.jobs.inside import notebook
from jupyter_mlinfra.jobs.remote.client import (
    FollowerControl,
    follower_path,
    lock_path,
)


@pytest.fixture
def there(project: Project, monkeypatch: pytest.MonkeyPatch) -> FollowerControl:
    """Control of a follower whose mark another machine has left."""
    Path("mlinfra.toml").write_text('[project]\nname = "test"\n[jobs]\nbackend = "slurm"\n')
    project.folder("jobs")
    there = Identity("boot-of-another", 7, 7)
    FileRegistry(follower_path(project.home, "slurm")).write(
        Registration(process=there, socket="/there", settings="x", host="login2")
    )
    monkeypatch.setattr(control, "LOCK_SECONDS", 0.2)
    return FollowerControl(Project.open(project.root), "slurm")


def test_what_another_machine_follows_is_left_to_it(
    there: FollowerControl, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    started = list[Any]()
    monkeypatch.setattr(control, "spawn_detached", lambda *words, **options: started.append(words))
    with file_lock(lock_path(project.home, "slurm")):
        began = time.monotonic()
        for _ in range(3):
            there.heal()
            there.wake_with_present_settings()
        assert (there.elsewhere(), started) == ("login2", [])
        assert time.monotonic() - began < 20
        for action in (there.start, there.stop):
            with pytest.raises(Unavailable, match="login2"):
                action()
    assert there.elsewhere() == ""  # it died: whoever holds no lock follows nothing


def test_a_second_follower_does_not_wait_for_the_first(
    there: FollowerControl, project: Project
) -> None:
    with file_lock(lock_path(project.home, "slurm")):
        command = [
            sys.executable,
            "-m",
            "jupyter_mlinfra.jobs.remote.follower",
            str(project.root),
            "slurm",
        ]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, "already under way" in done.stderr) == (0, True)


def test_a_follower_names_its_machine(steps: Any) -> None:
    steps.follower._register()
    mark = FileRegistry(follower_path(steps.project.home, "slurm")).read()
    assert mark is not None
    assert (mark.host, mark.process.boot) == (socket.gethostname(), boot_id())


def test_who_runs_a_notebook_on_another_machine_leaves_the_database_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQLite's shared memory does not reach from one machine to another: two writers there would
    damage it.
    """
    monkeypatch.setenv("MLINFRA_JOB", "j0")
    monkeypatch.setenv("MLINFRA_NODE", "n1")
    notebook._follower(tmp_path / "state.db")(0.5)
    assert not (tmp_path / "state.db").exists()
    monkeypatch.delenv("MLINFRA_NODE")
    notebook._follower(tmp_path / "state.db")(0.5)
    assert (tmp_path / "state.db").exists()


def test_whoever_follows_a_job_tells_of_its_progress(steps: Any) -> None:
    job = steps.submit()
    steps.rounds(2)
    steps.begin(job)
    for fraction in (0.25, 0.25, 0.5):
        steps.attempt(job).progress.write_text(json.dumps({"fraction": fraction, "text": ""}))
        steps.rounds()
    told = [
        event.data["progress"]
        for event in steps.project.events.after(0)
        if event.data.get("progress") is not None
    ]
    assert told == [0.25, 0.5]
