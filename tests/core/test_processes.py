"""Processes that are known again, and trees of which nothing is left."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import uuid
from dataclasses import replace
from pathlib import Path

from jupyter_mlinfra.core import processes


def _wait_for(path: Path) -> str:
    limit = time.monotonic() + 20
    while not path.exists() or not path.read_text().strip():
        assert time.monotonic() < limit
        time.sleep(0.02)
    return path.read_text()


def test_a_process_is_itself_and_a_stranger_with_its_pid_is_not() -> None:
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    try:
        identity = processes.Identity.of(child.pid)
        assert identity
        assert identity.alive()
        assert not replace(identity, start=identity.start + 1).alive()
        assert not replace(identity, boot="another").alive()
    finally:
        child.kill()
    child_gone_but_not_waited_for = time.monotonic() + 5
    while identity.alive() and time.monotonic() < child_gone_but_not_waited_for:
        time.sleep(0.01)
    assert not identity.alive()
    child.wait()


def test_a_tree_with_children_in_sessions_of_their_own_is_ended_whole(tmp_path: Path) -> None:
    token = uuid.uuid4().hex
    code = (
        "import os, pathlib, signal, subprocess, sys, time\nsignal.signal(signal.SIGTERM,"
        " signal.SIG_IGN)\nchild = subprocess.Popen([sys.executable, '-c', 'import signal, time;"
        " signal.signal(15, signal.SIG_IGN); time.sleep(60)'],"
        " start_new_session=True)\n"
        f"pathlib.Path({str(tmp_path / 'pids')!r}).write_text(f'{{os.getpid()}} {{child.pid}}')\n"
        "time.sleep(60)\n"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", code], env={**os.environ, processes.TOKEN: token}
    )
    pids = [int(pid) for pid in _wait_for(tmp_path / "pids").split()]
    time.sleep(0.3)
    assert set(pids) <= set(processes.with_token(token))
    assert processes.end_token(token, grace_seconds=0.2)
    parent.wait(5)
    assert all(processes.start_ticks(pid) is None for pid in pids)


def test_a_detached_process_outlives_its_parent_in_a_session_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "sleeper.py").write_text(
        "import os, pathlib, sys, time\npathlib.Path(sys.argv[1]).write_text(f'{os.getpid()}"
        " {os.getsid(0)} {os.getppid()}')\ntime.sleep(60)\n"
    )
    code = (
        "from pathlib import Path; from jupyter_mlinfra.core.processes import spawn_detached;"
        f" spawn_detached('sleeper', [{str(tmp_path / 'out')!r}],"
        f" log=Path({str(tmp_path / 'log')!r}))"
    )
    subprocess.run(
        [sys.executable, "-c", code],
        check=True,
        env={
            **os.environ,
            "PYTHONPATH": f"{tmp_path}:{os.getcwd()}:" + os.environ.get("PYTHONPATH", ""),
        },
    )
    pid, session, _ = (int(part) for part in _wait_for(tmp_path / "out").split())
    identity = processes.Identity.of(pid)
    assert identity
    assert session != os.getsid(0)
    os.kill(pid, 9)


def test_what_is_detached_and_its_children_write_for_their_owner_alone(tmp_path: Path) -> None:
    """Whatever the shell allows that it is started from, and in its log too."""
    made = tmp_path / "made"
    (tmp_path / "writes.py").write_text(
        "import subprocess, sys; print('log'); subprocess.run(['sh', '-c', f'echo text >"
        " {sys.argv[1]}'])"
    )
    before = os.umask(0o002)
    try:
        processes.spawn_detached(
            "writes",
            [str(made)],
            log=tmp_path / "log",
            environment={**os.environ, "PYTHONPATH": str(tmp_path)},
        )
    finally:
        os.umask(before)
    assert _wait_for(made) == "text\n"
    assert [oct(path.stat().st_mode & 0o777) for path in (made, tmp_path / "log")] == [
        "0o600",
        "0o600",
    ]


def test_a_process_is_found_while_it_begins_another_program(tmp_path: Path) -> None:
    # It shows no environment for that moment; one that was overlooked would outlive its job.
    program, token = tmp_path / "again", uuid.uuid4().hex
    program.write_text('#!/bin/sh\nexec "$0"\n')
    program.chmod(0o755)
    restless = subprocess.Popen([str(program)], env={**os.environ, processes.TOKEN: token})
    try:
        _wait_until_carried(restless.pid, token)
        assert {tuple(processes.with_token(token)) for _ in range(500)} == {(restless.pid,)}
        assert {identity.pid for _ in range(200) for identity in processes.tree(token)} == {
            restless.pid
        }
    finally:
        restless.kill()
        restless.wait()


def test_a_process_without_an_environment_is_seen_at_once() -> None:
    bare = subprocess.Popen(["/bin/sleep", "60"], env={})
    try:
        took = []
        for _ in range(3):
            begun = time.monotonic()
            assert bare.pid not in processes.with_token(uuid.uuid4().hex)
            took.append(time.monotonic() - begun)
        assert min(took) < 1, took
    finally:
        bare.kill()
        bare.wait()


def _wait_until_carried(pid: int, token: str) -> None:
    limit = time.monotonic() + 20
    while pid not in processes.with_token(token):
        assert time.monotonic() < limit
