"""Which warm runners there are, which job may have one, and the shell around them; with processes
that only sleep.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from jupyter_mlinfra.core.errors import Conflict
from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.jobs import Job, JobSpec
from jupyter_mlinfra.jobs.attempt.files import Attempt
from jupyter_mlinfra.jobs.backends.launch import Place
from jupyter_mlinfra.jobs.local import running as live
from jupyter_mlinfra.jobs.local import warm_runners as warm
from jupyter_mlinfra.jobs.queue.rows import JobEntry, Launch
from jupyter_mlinfra.notebooks.warm.kinds import KINDS, TRIES, next_kind, note_kind
from jupyter_mlinfra.notebooks.warm.standing import Standing


class Doors:
    """In place of what wakes the supervisor."""

    def __init__(self) -> None:
        self.watched = set[int]()

    def watch(self, job: str, handle: int) -> None:
        self.watched.add(handle)

    def unwatch(self, handles: Iterable[int]) -> None:
        self.watched -= set(handles)


@pytest.fixture
def asleep(project: Project, tools: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Warm runners of a project whose processes only sleep, one job to ask with, and what was
    said.
    """
    entry = JobEntry(
        number=1,
        job=cast("Job", SimpleNamespace(id="a1", snapshot="s", attempt=1)),
        spec=JobSpec(notebook="n.ipynb"),
        launch=Launch(
            folder=str(project.root),
            command=(),
            python=sys.executable,
            environment="",
            kernel="python3",
        ),
        token="",
        process=None,
        failures=0,
        requeues=0,
        cancelled_by="",
        requeued_by="",
        remote=None,
    )
    monkeypatch.setattr(warm.environment, "recall", lambda _: dict(os.environ))
    monkeypatch.setattr(warm, "WRAPPER", "exec sleep 600")
    monkeypatch.setattr(warm, "memory_used", lambda: 0.5)
    said, doors = list[str](), Doors()
    place = Place(root=project.root, home=project.home)
    tree = project.home / "snapshots" / "trees" / "s"
    tree.mkdir(parents=True)
    runners = warm.Warm(
        place, size=1, memory_gib=1.0, imports=(), wakeups=cast("Any", doors), say=said.append
    )

    def ask(gpus: Sequence[str] = (), **changes: Any) -> warm.PrestartedRunner | None:
        store = SimpleNamespace(
            entry=lambda _: replace(entry, launch=replace(entry.launch, **changes))
        )
        return runners.take(cast("Any", store), "a1", gpus)

    def ready(*, gpu: bool = True, modules: Sequence[str] = ()) -> None:
        for runner in runners._runners:
            runner.standing = Standing(gpu=gpu, places={}, modules=modules)

    def alive() -> int:
        """Wait for 1: its shell becomes `sleep` in a moment."""
        return sum("sleep" in process.cmdline() for process in tools.processes_of(project.root))

    yield SimpleNamespace(
        runners=runners,
        ask=ask,
        ready=ready,
        alive=alive,
        said=said,
        doors=doors,
        root=project.root,
        tree=tree,
    )
    runners.close()
    assert alive() == 0
    assert not doors.watched


def test_none_is_made_ready_before_a_job_asked_nor_while_no_cpu_is_free(
    asleep: Any, tools: Any
) -> None:
    asleep.runners.tend(free=True)
    assert asleep.ask() is None
    asleep.runners.tend(free=False)
    assert asleep.alive() == 0
    assert asleep.runners.due() is None  # an idle supervisor is not woken for it
    asleep.runners.tend(free=True)
    asleep.runners.tend(free=True)
    tools.until(lambda: asleep.alive() == 1)


def test_runners_go_when_no_job_asks_or_memory_is_short(
    asleep: Any, tools: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    asleep.ask()
    asleep.runners.tend(free=True)
    monkeypatch.setattr(warm, "memory_used", lambda: 0.95)
    asleep.runners.tend(free=True)
    assert (asleep.alive(), asleep.said[-1]) == (
        0,
        "a warm kernel is ended: the machine is short of memory",
    )
    monkeypatch.setattr(warm, "memory_used", lambda: 0.5)
    asleep.runners.tend(free=True)
    tools.until(lambda: asleep.alive() == 1)
    monkeypatch.setattr(warm, "IDLE_SECONDS", 0.0)
    asleep.runners.tend(free=True)
    assert (asleep.alive(), asleep.said[-1]) == (0, "a warm kernel is ended: no job asked for one")
    monkeypatch.setattr(warm, "IDLE_SECONDS", 900.0)
    asleep.runners.tend(free=True)
    assert asleep.alive() == 0  # nor does one come back, or an environment stay, before a job asks


def test_a_kind_that_is_never_ready_is_given_up(
    asleep: Any, tools: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(warm, "FAILED_SECONDS", 0.0)
    asleep.ask()
    asleep.runners.tend(free=True)
    for _ in range(TRIES):
        tools.until(lambda: asleep.alive() == 1)
        monkeypatch.setattr(warm, "READY_SECONDS", 0.0)
        asleep.runners.tend(free=False)
        monkeypatch.setattr(warm, "READY_SECONDS", 180.0)
        asleep.runners.tend(free=True)
    assert asleep.alive() == 0
    asleep.ask(kernel="other")
    asleep.runners.tend(free=True)
    tools.until(lambda: asleep.alive() == 1)


def test_only_an_equal_job_is_given_a_runner_and_a_gpu_job_none_that_opened_a_driver(
    asleep: Any,
) -> None:
    asleep.ask()
    asleep.runners.tend(free=True)
    assert asleep.ask() is None  # not ready yet
    asleep.ready(gpu=False)
    assert asleep.ask(kernel="other") is None
    assert asleep.ask(python="/other/python") is None
    assert asleep.ask(kernel="") is None
    assert asleep.ask(["GPU-1"]) is None
    taken = asleep.ask()
    assert taken is not None
    assert asleep.ask() is None
    taken.give_back()
    assert asleep.ask() == taken
    taken.discard()


@pytest.mark.parametrize("where", ["tree", "root", "path"])
@pytest.mark.parametrize(
    "file", ["cronsim.py", "cronsim/__init__.py", "cronsim.cpython-312-x86_64-linux-gnu.so"]
)
def test_a_job_with_a_module_of_its_own_in_place_of_a_loaded_one_is_given_none(
    where: str, file: str, asleep: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", f"/none{os.pathsep}{tmp_path}")
    asleep.ask()
    asleep.runners.tend(free=True)
    asleep.ready(modules=["polars", "cronsim"])
    path = {"tree": asleep.tree, "root": asleep.root, "path": tmp_path}[where] / file
    path.parent.mkdir(exist_ok=True)
    path.touch()
    assert asleep.ask() is None
    path.rename(path.with_name("other"))
    taken = asleep.ask()
    assert taken is not None
    taken.discard()


@pytest.mark.parametrize("value", ["lib", "/usr/lib:", ":/usr/lib", "/usr/lib::/lib", "."])
def test_none_is_made_for_a_path_that_hangs_on_the_folder(
    value: str, asleep: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", value)
    assert asleep.ask() is None
    asleep.runners.tend(free=True)
    assert asleep.alive() == 0


def test_a_job_whose_runner_neither_takes_it_nor_ends_waits_and_can_be_cancelled(
    project: Project, tools: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "SETTLE_SECONDS", 0.1)
    token = f"{live.WARM}test"
    attempt = Attempt(project.root)
    process = subprocess.Popen(
        tools.sleep, env={**os.environ, "MLINFRA_PROCESS_TOKEN": token}, start_new_session=True
    )
    entry = cast("Any", SimpleNamespace(token=token, cancelled_by=""))
    try:
        with pytest.raises(Conflict):
            live._await_claim(entry, attempt)
        assert process.poll() is None
        entry.cancelled_by = "me"
        live._await_claim(entry, attempt)
        assert process.wait(timeout=10) < 0
    finally:
        process.kill()


RUNNER = """
import os, sys
folder, mode, wrapper = sys.argv[1:]
if mode != "none":
    os.write(1, folder.encode())
    os.dup2(2, 1)
    claim = "1\\n" if mode == "another's" else f"{wrapper}\\n"
    open(os.path.join(folder, "claim"), "w").write(claim)
if mode == "killed":
    os.kill(os.getpid(), 9)
if mode == "asked to end":
    os.kill(int(wrapper), 15)
sys.exit(7)
"""


@pytest.mark.parametrize(
    "shell", [path for path in ("/bin/dash", "/bin/bash") if os.path.exists(path)]
)
@pytest.mark.parametrize(
    ("mode", "code", "kept"),
    [
        ("ours", 7, "7"),
        ("none", 113, ""),
        ("another's", 113, ""),
        ("killed", 137, "137"),
        ("asked to end", 7, "7"),
    ],
)
def test_the_wrapper_keeps_the_exit_code_of_its_own_attempt_alone(
    shell: str, mode: str, code: int, kept: str, tmp_path: Path
) -> None:
    folder = tmp_path / "with a space"
    folder.mkdir()
    command = [
        "sh",
        "-c",
        warm.WRAPPER,
        "mlinfra-warm",
        sys.executable,
        "-S",
        "-c",
        RUNNER,
        str(folder),
        mode,
    ]
    done = subprocess.run(
        command, executable=shell, stderr=subprocess.DEVNULL, check=False, timeout=60
    )
    assert done.returncode == code
    assert (folder / "exit").exists() == bool(kept)
    assert not kept or (folder / "exit").read_text() == f"{kept}\n"


@pytest.mark.parametrize(
    ("asked", "kept", "size", "chosen"),
    [
        ("", "", 1, None),
        ("a", "", 0, None),
        ("a", "", 1, ("a", None)),
        ("a", "a", 1, None),
        ("ab", "a", 1, ("b", "a")),  # the one that was asked for last takes the place
        ("ab", "a", 2, ("b", None)),
        ("abc", "ab", 2, ("c", "a")),
        ("abc", "ac", 2, None),  # of the last two that were asked for, the newest is there
        ("aX", "", 1, ("a", None)),  # X has failed too often
        ("X", "", 1, None),
    ],
)
def test_the_kind_that_was_asked_for_last_is_warmed_and_takes_the_place_of_one_that_was_not(
    asked: str, kept: str, size: int, chosen: tuple[str, str | None] | None
) -> None:
    known = {key: SimpleNamespace(failures=TRIES if key == "X" else 0) for key in asked}
    found = next_kind(known, [SimpleNamespace(key=key) for key in kept], size)
    assert (found and (found[0], found[1] and found[1].key)) == chosen


def test_only_the_kinds_that_were_asked_for_last_are_known() -> None:
    known = dict[str, SimpleNamespace]()
    for key in (*"abc", *(str(number) for number in range(KINDS - 2)), "b"):
        note_kind(known, key, SimpleNamespace(failures=0))
    assert len(known) == KINDS
    assert "a" not in known
    assert list(known)[-1] == "b"
