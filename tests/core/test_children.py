"""Processes that answer their parent and end with it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from jupyter_mlinfra.core.child import MOST_MIB, Child, raised
from jupyter_mlinfra.core.children import Children
from jupyter_mlinfra.core.errors import TooLarge, Unavailable
from jupyter_mlinfra.core.processes import start_ticks
from jupyter_mlinfra.core.waiting import waited_for

SERVES = """
import os, sys, time
from jupyter_mlinfra.core.child import serve

def do(request):
    if "exit" in request:
        os._exit(request["exit"])
    time.sleep(request.get("seconds", 0))
    kept.append(bytearray(os.urandom(1)) * request.get("bytes", 0))
    return {"pid": os.getpid(), "text": "x" * request.get("characters", 0)}

kept = []
serve(do, *map(int, sys.argv[1:]))
"""
PARENT = """
import sys, time
from jupyter_mlinfra.core.child import Child

child = Child("serves")
child.line()
child.send({"stuck": 1})
print(child._process.pid, flush=True)
time.sleep(60)
"""
STUCK = """
import ctypes, sys
from jupyter_mlinfra.core.child import serve

def do(_):
    while True:
        ctypes.PyDLL(None).sleep(60)  # as a library that does not let go of the interpreter

serve(do, *map(int, sys.argv[1:]))
"""


@pytest.fixture
def serving(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """A module `serves` that children find."""
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    return lambda code: (tmp_path / "serves.py").write_text(code) and None


@pytest.fixture
def children(serving: Callable[[str], None]) -> Iterator[Children]:
    serving(SERVES)
    made = Children("serves", most=2, idle_seconds=60)
    yield made
    made.close()


def ask(children: Children, **request: object) -> int:
    """Which process answers."""
    with children.child() as child:
        child.send(request)
        answer = child.line()
        assert answer is not None, child.wait(5)
    if "error" in answer:
        raise raised(answer["error"])
    pid: int = answer["result"]["pid"]
    return pid


def gone(pid: int, seconds: float = 20) -> bool:
    late = time.monotonic() + seconds
    while start_ticks(pid) is not None and time.monotonic() < late:
        time.sleep(0.02)
    return start_ticks(pid) is None


def test_one_child_answers_one_request_after_the_other_and_ends_when_they_are_closed(
    children: Children,
) -> None:
    first = ask(children)
    assert ask(children) == first != os.getpid()
    children.close()
    assert gone(first)
    with pytest.raises(Unavailable, match="The server stops"):
        ask(children)


def test_a_child_that_waits_too_long_for_work_ends(serving: Callable[[str], None]) -> None:
    serving(SERVES)
    children = Children("serves", most=1, idle_seconds=0.2)
    assert gone(ask(children))
    assert gone(ask(children))


def test_a_child_that_died_is_replaced_by_one_that_is_ready(children: Children) -> None:
    pid = ask(children)
    with pytest.raises(AssertionError, match="7"):
        ask(children, exit=7)
    assert gone(pid)
    assert ask(children) != pid
    os.kill(second := ask(children), signal.SIGKILL)
    assert gone(second)
    assert ask(children) != second, "one that died while it waited is not asked"


def test_a_child_that_keeps_much_memory_is_not_asked_again(children: Children) -> None:
    pid = ask(children)
    assert ask(children, bytes=300 << 20) == pid
    assert gone(pid)
    assert ask(children) != pid


def test_no_more_than_that_many_work_at_once_and_whoever_leaves_waits_no_longer(
    children: Children,
) -> None:
    threads = [
        threading.Thread(target=ask, args=(children,), kwargs={"seconds": 1.5}) for _ in "ab"
    ]
    for thread in threads:
        thread.start()
    late = time.monotonic() + 60
    while children._slots._value and time.monotonic() < late:
        time.sleep(0.02)
    left = threading.Event()
    threading.Timer(0.3, left.set).start()
    with waited_for(left), pytest.raises(Unavailable, match="Nobody waits"):
        ask(children)
    assert len(children._all) <= 2
    assert all(thread.is_alive() for thread in threads)
    for thread in threads:
        thread.join()


def test_an_answer_that_is_too_large_is_refused_and_the_child_goes_on(children: Children) -> None:
    pid = ask(children)
    with pytest.raises(TooLarge, match=rf"more than {MOST_MIB} MiB.*fewer rows"):
        ask(children, characters=(MOST_MIB << 20) + 1)
    assert ask(children, characters=2 << 20) == pid


def test_a_child_that_lets_no_thread_run_ends_with_its_parent_that_is_killed(
    serving: Callable[[str], None],
) -> None:
    serving(STUCK)
    with subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        assert start_ticks(pid) is not None
        parent.kill()
    assert gone(pid)


def test_a_child_whose_parent_is_gone_before_it_looks_ends(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.close(writing)
    code = "import sys\nfrom jupyter_mlinfra.core.child import end_with_parent\n"
    code += "end_with_parent(int(sys.argv[1]))\nprint('went on')"
    command = [sys.executable, "-c", code, str(reading)]
    done = subprocess.run(command, pass_fds=(reading,), capture_output=True, text=True, check=False)
    os.close(reading)
    assert (done.returncode, done.stdout) == (1, "")


def test_an_answer_is_told_from_what_a_library_prints(
    serving: Callable[[str], None], tmp_path: Path
) -> None:
    serving(SERVES.replace("    time.sleep", "    print('{\"result\": 1}')\n    time.sleep"))
    with (tmp_path / "printed").open("wb") as printed:
        child = Child("serves", printed=printed)
        try:
            assert child.line() == {"result": "ready"}
            child.send({}, last=True)
            answer = child.line()
            assert child.wait(20) == 0
        finally:
            child.end()
    assert answer is not None
    assert answer["result"]["pid"] > 1
    assert (tmp_path / "printed").read_text() == '{"result": 1}\n'
