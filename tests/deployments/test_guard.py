"""What a worker leaves behind when it dies of a request, with real processes that die."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import blake2b
from pathlib import Path

import pytest

from jupyter_mlinfra.deployments.runtime.guard import (
    DECLINED,
    PLACES,
    SUSPECTS,
    Guard,
    Ledger,
    survives,
)
from jupyter_mlinfra.deployments.runtime.refusal import RequestRefused

AGAIN = "2"
"""The gateway's second try."""


@pytest.fixture
def file(tmp_path: Path) -> str:
    return str(tmp_path / "flights.v1.code.guard")


def in_worker(file: str, slot: int, *bodies: bytes, work: Callable[[], object]) -> int:
    """A worker that does `work` on each of these; its wait status."""
    pid = os.fork()
    if not pid:
        guard = Guard(file, slot, RequestRefused)
        for body in bodies:
            guard.run(body, None, work)
        os._exit(7)
    return os.waitpid(pid, 0)[1]


@contextmanager
def busy_worker(file: str, slot: int, body: bytes) -> Iterator[int]:
    """A worker that has been working on this for a second."""
    pid = os.fork()
    if not pid:
        Guard(file, slot, RequestRefused).run(body, None, lambda: time.sleep(60))
        os._exit(0)
    end = time.monotonic() + 20
    while not Path(file).exists() or not Ledger(file).slot(slot).begun:
        assert time.monotonic() < end
        time.sleep(0.01)
    time.sleep(0.6)
    try:
        yield pid
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def die() -> None:
    os._exit(0)


def test_a_request_that_ended_a_process_is_tried_in_a_copy_and_refused_when_that_dies_too(
    file: str,
) -> None:
    in_worker(file, 0, b"poison", work=die)
    guard = Guard(file, 1, RequestRefused)
    with pytest.raises(RequestRefused) as refused:
        guard.run(b"poison", AGAIN, die)
    assert refused.value.status == 500  # an error of the model: its client has sent nothing wrong
    assert len(Ledger(file).refused()) == 1
    with pytest.raises(RequestRefused):  # also as a client's new request, and by a new process
        Guard(file, 2, RequestRefused).run(b"poison", None, lambda: 1)
    assert guard.run(b"another", None, lambda: 1) == 1


def test_the_next_process_in_its_place_knows_it_too(file: str) -> None:
    in_worker(file, 0, b"poison", work=die)
    with pytest.raises(RequestRefused):
        Guard(file, 0, RequestRefused).run(b"poison", None, die)


def test_a_neighbour_of_a_request_that_kills_is_answered(file: str) -> None:
    in_worker(file, 0, b"neighbour", work=die)
    guard = Guard(file, 1, RequestRefused)
    assert guard.run(b"neighbour", AGAIN, lambda: 1) == 1
    assert Ledger(file).refused() == []
    for slot in (2, 3):
        in_worker(file, slot, b"once more", work=die)  # deaths of others do not add up with it
    assert guard.run(b"neighbour", None, lambda: 1) == 1


def test_what_was_answered_before_is_not_suspect_whoever_killed_its_worker(file: str) -> None:
    def answer_once() -> None:
        if Ledger(file).slot(0).done:
            die()

    for _ in range(3):
        in_worker(file, 0, b"common", b"common", work=answer_once)
        guard = Guard(file, 9, RequestRefused)
        assert guard.run(b"common", AGAIN, lambda: 1) == 1
    assert Ledger(file).refused() == []


def test_a_repetition_is_declined_unless_the_worker_that_has_the_request_is_stuck(
    file: str,
) -> None:
    guard = Guard(file, 2, RequestRefused)
    with busy_worker(file, 0, b"slow") as first:
        with pytest.raises(RequestRefused) as declined:
            guard.run(b"slow", AGAIN, lambda: 1)
        assert declined.value.status == DECLINED
        assert guard.run(b"slow", None, lambda: 1) == 1  # an equal request of somebody else
        assert guard.run(b"other", AGAIN, lambda: 1) == 1
        os.kill(first, signal.SIGSTOP)
        time.sleep(1)
        assert guard.run(b"slow", AGAIN, lambda: 1) == 1
        with busy_worker(file, 1, b"slow") as second:
            os.kill(second, signal.SIGSTOP)
            time.sleep(1)
            with pytest.raises(RequestRefused):  # two at most, whatever they do
                guard.run(b"slow", AGAIN, lambda: 1)


def test_another_version_takes_no_request_that_its_own_version_works_on_or_died_of(
    file: str,
) -> None:
    other = Guard(file.replace(".v1.", ".v2."), 0, RequestRefused)
    with busy_worker(file, 0, b"slow"), pytest.raises(RequestRefused) as declined:
        other.run(b"slow", AGAIN, lambda: 1)
    assert declined.value.status == DECLINED
    in_worker(file, 1, b"poison", work=die)
    with pytest.raises(RequestRefused) as refused:
        other.run(b"poison", AGAIN, die)
    assert refused.value.status == 500
    assert other.run(b"poison", None, lambda: 1) == 1  # asked by itself, it may know better


def test_a_version_that_stands_in_takes_no_request_that_the_meant_one_died_of(file: str) -> None:
    in_worker(file, 0, b"poison", work=die)
    other = Guard(file.replace("v1", "v2"), 0, RequestRefused)
    with pytest.raises(RequestRefused) as refused:
        other.run(b"poison", "1", die, stands_in=True)
    assert refused.value.status == 500
    assert "not tried on another version" in refused.value.why
    assert other.run(b"another", "1", lambda: 1, stands_in=True) == 1
    # Somebody killed the worker: what it worked on is innocent, and is answered.
    in_worker(file, 1, b"innocent", work=die)
    assert other.run(b"innocent", "1", lambda: 1, stands_in=True) == 1
    # A request that is meant for this version is its own to judge.
    assert other.run(b"poison", "1", lambda: 1) == 1


def test_a_copy_that_hangs_proves_nothing_and_an_error_is_no_death() -> None:
    def fail() -> None:
        raise ValueError

    assert survives(lambda: 1) is True
    assert survives(fail) is True
    assert survives(die) is False
    assert survives(lambda: os.kill(os.getpid(), signal.SIGKILL)) is False
    assert survives(lambda: time.sleep(60), seconds=0.3) is None


def test_what_a_worker_is_doing_can_be_read_beside_it(file: str) -> None:
    guard = Guard(file, 3, RequestRefused)
    ledger = Ledger(file)
    seen = guard.run(b"a", None, lambda: ledger.slot(3))
    assert (seen.process, seen.done, len(seen.begun)) == (os.getpid(), 0, 1)
    assert seen.begun[0] <= time.monotonic()
    after = ledger.slot(3)
    assert (after.done, after.begun) == (1, ())
    with pytest.raises(ZeroDivisionError):
        guard.run(b"b", None, lambda: 1 / 0)
    assert ledger.slot(3).begun == ()


def test_without_a_file_nothing_is_watched() -> None:
    assert Guard("", 0, RequestRefused).run(b"a", AGAIN, lambda: 1) == 1


def killed_while_it_worked_on(file: str, bodies: list[bytes]) -> None:
    """A worker that is killed from outside; what it left is counted."""
    pid = os.fork()
    if not pid:
        ledger = Ledger(file)
        ledger.take(0)
        for place, body in enumerate(bodies):
            ledger.begin(0, place, digest_of(body))
        os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(pid, 0)
    Ledger(file).bury(0)


def digest_of(body: bytes) -> bytes:
    return blake2b(body, digest_size=16).digest()


def test_however_many_requests_were_neighbours_of_deaths_a_deadly_one_is_found(file: str) -> None:
    guard = Guard(file, 2, RequestRefused)
    in_worker(file, 0, b"first poison", work=die)
    with pytest.raises(RequestRefused):
        guard.run(b"first poison", AGAIN, die)
    for kill in range(10):
        killed_while_it_worked_on(file, [b"harmless %d %d" % (kill, n) for n in range(PLACES)])
    in_worker(file, 0, b"poison", work=die)
    Ledger(file).bury(0)
    assert Ledger(file).deaths(digest_of(b"poison")) == 1
    with pytest.raises(RequestRefused):
        guard.run(b"poison", AGAIN, die)
    assert {digest_of(b"first poison").hex(), digest_of(b"poison").hex()} == {
        *Ledger(file).refused()
    }
    # The oldest neighbours were forgotten, the newest are still suspect.
    assert Ledger(file).deaths(digest_of(b"harmless 0 0")) == 0
    assert Ledger(file).deaths(digest_of(b"harmless 9 0")) == 1
    assert guard.run(b"harmless 9 0", None, lambda: 1) == 1  # acquitted, none of the others
    assert Ledger(file).deaths(digest_of(b"harmless 9 0")) == 0
    assert Ledger(file).deaths(digest_of(b"harmless 9 1")) == 1


def test_if_all_that_are_known_are_refused_the_oldest_makes_room(file: str) -> None:
    ledger = Ledger(file)
    poisons = [digest_of(b"poison %d" % number) for number in range(SUSPECTS + 1)]
    for poison in poisons:
        ledger.convict(poison)
        ledger.convict(poison)
    assert sorted(ledger.refused()) == sorted(poison.hex() for poison in poisons[1:])


def test_a_file_of_another_layout_is_not_read(file: str) -> None:
    Guard(file, 0, RequestRefused).run(b"a", None, lambda: 1)
    assert Ledger(file, create=False).slot(0).done == 1
    content = bytearray(Path(file).read_bytes())
    Path(file).write_bytes(content.replace(b"guard 1", b"guard 9"))
    with pytest.raises(ValueError, match="another version"):
        Ledger(file, create=False)
