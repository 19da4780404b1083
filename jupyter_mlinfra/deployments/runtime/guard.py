"""What each worker is working on, in a file that outlives it, so that one bad request cannot kill a
deployment.

A request that ends a process is sent again by the gateway, and would end the next one. So each
worker notes the digest of every request that the model works on in a file that all workers of the
version map into memory. What a killed process has left in it is suspect: it was in progress at a
death. The next worker that is asked for it first tries it in a copy of itself (a fork). If the copy
dies, that was the second death: the request is refused from then on, by every worker of the
version. If it lives, the request was only a neighbour, and is answered.

The rules, all of them about one digest:

- Answered before by the process that died: not suspect. Whoever killed it, the request did not.
- One death: tried in a copy. A copy that does not end in time proves nothing; then it is run here.
- Two deaths: refused with 500, because its rows were acceptable.
- Repeated by the gateway, because it takes long, while a process that moves works on it: declined
  with 409, which the gateway does not pass on while it waits for that one. So a slow request is not
  worked on twice, and a row that hangs takes one thread. Only if the process is suspended, or does
  not move, another one works on it too, and none of another version.
- Repeated by the gateway after a process of another version has died of it: refused.
- More suspects than there is room for (512): the oldest is forgotten, and none that is refused.

The keeper reads the same file: how long a worker has been working on what, and whether it still
answers. Nothing here waits for the disk.

Environment: MLINFRA_GUARD (the file, `DEPLOYMENT.VERSION.CODE.guard`; without it nothing is
watched, as on a cluster), MLINFRA_SLOT (the worker's place in it).
"""

from __future__ import annotations

import contextlib
import fcntl
import math
import mmap
import os
import select
import signal
import struct
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any, TypeVar

ATTEMPT = "x-envoy-attempt-count"
"""The gateway's header: which try of a request this is, from 1."""

ROUTED = "x-mlinfra-routed"
"""The gateway's header: the version that a request was meant for."""

DECLINED = 409
"""Status of a repetition that is not needed; the gateway passes it on only if nobody answers."""

DEADLY = 2
"""So many deaths convict a request."""

MOST_WORKERS = 2
SLOW_SECONDS = 0.5
"""The gateway repeats a request that is slow after a second or more; other requests with an equal
body are not meant.
"""

BEAT_SECONDS, SILENT_SECONDS = 0.2, 0.8
"""A process that has not noted for so long that it moves is suspended or stuck."""

ENDS = "This request ends the process that works on it."
TRIAL_SECONDS = 5.0
LOCK_SECONDS = 0.5
"""A process that was suspended while it held the lock must not stop the others: at worst a death is
counted wrongly.
"""

DECAY = 0.999
"""Of the slowest request that is remembered, with each further one."""

SLOTS, PLACES, SUSPECTS, ANSWERED = 128, 64, 512, 128
_DIGEST = 16
_SUSPECT = struct.Struct("<16sQ")  # digest, deaths
_HEAD = struct.Struct("<QQQdd")  # process, its start in clock ticks, requests done, slowest, beat
_FIGURES = struct.Struct("<Qd")  # of a head: requests done, slowest
_FIGURES_AT, _BEAT_AT = 16, 32
_NOTE = struct.Struct("<16sd")  # digest, when it was begun (monotonic); 0 = nothing
_USED = struct.Struct("<QQ")  # suspects and slots in use
_FORMAT, _FORMAT_AT = b"guard 1\0", 16
"""Changes with the layout: a bundle is older or newer than the keeper that reads its file."""

_SUSPECTS_AT = 64
_HEADS_AT = _SUSPECTS_AT + SUSPECTS * _SUSPECT.size
_NOTES_AT = _HEADS_AT + SLOTS * _HEAD.size
_NOTES_SIZE = PLACES * _NOTE.size
_ANSWERED_AT = _NOTES_AT + SLOTS * _NOTES_SIZE
_ANSWERED_SIZE = ANSWERED * _DIGEST
_SIZE = _ANSWERED_AT + SLOTS * _ANSWERED_SIZE
_EXITING = 0x4  # PF_EXITING of <linux/sched.h>

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Slot:
    """What one worker is doing. begun: when it began each request that it has not finished, oldest
    first, in seconds of the monotonic clock. done: requests that it has finished. slowest: seconds
    that the slowest of them took.
    """

    process: int
    done: int
    slowest: float
    begun: tuple[float, ...]


class Ledger:
    """The file of one version, mapped into memory; a worker makes it (create). Raises OSError, and
    ValueError for one of another layout.
    """

    def __init__(self, path: Path | str, *, create: bool = True) -> None:
        flags = os.O_RDWR | os.O_CLOEXEC | (os.O_CREAT if create else 0)
        self._lock = threading.Lock()
        self._handle = os.open(path, flags, 0o600)
        try:
            if create:
                # Allocated: a hole in it would be a signal, not an error, on a full disk.
                os.posix_fallocate(self._handle, 0, _SIZE)
            self._map = mmap.mmap(self._handle, _SIZE)
            if create:
                self._map[_FORMAT_AT : _FORMAT_AT + len(_FORMAT)] = _FORMAT
            elif self._map[_FORMAT_AT : _FORMAT_AT + len(_FORMAT)] != _FORMAT:
                raise ValueError(f"{path} is of another version.")
        except (OSError, ValueError):
            os.close(self._handle)
            raise

    def close(self) -> None:
        """Unmap it."""
        self._map.close()
        os.close(self._handle)

    def deaths(self, digest: bytes) -> int:
        """How often a process died while it worked on this request."""
        used = _USED.unpack_from(self._map, 0)[0]
        at = self._find(digest, _SUSPECTS_AT, used, _SUSPECT.size) if used else -1
        return int(_SUSPECT.unpack_from(self._map, at)[1]) if at >= 0 else 0

    def refused(self) -> list[str]:
        """Digests of the requests that are refused."""
        used = _USED.unpack_from(self._map, 0)[0]
        rows = (
            _SUSPECT.unpack_from(self._map, _SUSPECTS_AT + place * _SUSPECT.size)
            for place in range(used)
        )
        return [digest.hex() for digest, deaths in rows if deaths >= DEADLY]

    def slot(self, number: int) -> Slot:
        """What the worker in this slot is doing."""
        process, _, done, slowest, _ = _HEAD.unpack_from(self._map, _head_at(number))
        notes = self._map[_notes_at(number) : _notes_at(number) + _NOTES_SIZE]
        begun = sorted(started for _, started in _NOTE.iter_unpack(notes) if started)
        return Slot(process, done, slowest, tuple(begun))

    def workers_on(self, digest: bytes, *, seconds: float) -> tuple[int, int]:
        """How many live processes have worked on this request for so long, and how many of them
        still move. The notes of dead ones become suspects.
        """
        slots = _USED.unpack_from(self._map, 0)[1]
        begun, at = dict[int, float](), _NOTES_AT - 1
        while (at := self._map.find(digest, at + 1, _NOTES_AT + slots * _NOTES_SIZE)) >= 0:
            number = (at - _NOTES_AT) // _NOTES_SIZE
            begun[number] = min(begun.get(number, math.inf), _NOTE.unpack_from(self._map, at)[1])
        live = moving = 0
        for number, started in begun.items():
            process, start, _, _, beat = _HEAD.unpack_from(self._map, _head_at(number))
            if not _alive(process, start):
                self.bury(number)
            elif time.monotonic() - started >= seconds:
                live += 1
                moving += time.monotonic() - beat < SILENT_SECONDS
        return live, moving

    def beat(self, number: int) -> None:
        """The process in this slot moves."""
        struct.pack_into("<d", self._map, _head_at(number) + _BEAT_AT, time.monotonic())

    def take(self, number: int) -> None:
        """This process works in this slot from now on. What the last one has left is suspect."""
        self.bury(number)
        with self._locked():
            slowest = _HEAD.unpack_from(self._map, _head_at(number))[3]
            own = os.getpid(), _stat(os.getpid())[1], 0, slowest, time.monotonic()
            _HEAD.pack_into(self._map, _head_at(number), *own)
            suspects, slots = _USED.unpack_from(self._map, 0)
            _USED.pack_into(self._map, 0, suspects, max(slots, number + 1))

    def bury(self, number: int) -> None:
        """Count a death for what a process left in progress, unless it had answered it before."""
        with self._locked():
            process, start, done, slowest, _ = _HEAD.unpack_from(self._map, _head_at(number))
            if not process:
                return
            if process == os.getpid() or _alive(process, start):
                return
            begin, answered = _notes_at(number), _answered_at(number)
            left = {
                digest
                for digest, started in _NOTE.iter_unpack(self._map[begin : begin + _NOTES_SIZE])
                if started
            }
            known = self._map[answered : answered + _ANSWERED_SIZE]
            for digest in left - {
                known[at : at + _DIGEST] for at in range(0, _ANSWERED_SIZE, _DIGEST)
            }:
                self._count_death(digest)
            self._map[begin : begin + _NOTES_SIZE] = bytes(_NOTES_SIZE)
            _HEAD.pack_into(self._map, _head_at(number), 0, 0, done, slowest, 0.0)

    def convict(self, digest: bytes) -> None:
        """One more death, of a copy."""
        with self._locked():
            self._count_death(digest)

    def acquit(self, digest: bytes) -> None:
        """It is not suspect any more."""
        with self._locked():
            used, slots = _USED.unpack_from(self._map, 0)
            at = self._find(digest, _SUSPECTS_AT, used, _SUSPECT.size)
            if at >= 0:
                self._remove(at, used - 1)
                _USED.pack_into(self._map, 0, used - 1, slots)

    def begin(self, number: int, place: int, digest: bytes) -> None:
        """The worker in this slot begins a request, in a place of its own choice."""
        at = _notes_at(number) + place * _NOTE.size
        _NOTE.pack_into(self._map, at, digest, time.monotonic())

    def end(self, number: int, place: int) -> None:
        """It has finished what it noted in this place."""
        at = _notes_at(number) + place * _NOTE.size
        digest, started = _NOTE.unpack_from(self._map, at)
        answered = _answered_at(number) + digest[0] % ANSWERED * _DIGEST
        self._map[answered : answered + _DIGEST] = digest
        _NOTE.pack_into(self._map, at, bytes(_DIGEST), 0.0)
        head, took = _head_at(number) + _FIGURES_AT, time.monotonic() - started
        done, slowest = _FIGURES.unpack_from(self._map, head)
        _FIGURES.pack_into(self._map, head, done + 1, max(slowest * DECAY, took))

    def _count_death(self, digest: bytes) -> None:
        used, slots = _USED.unpack_from(self._map, 0)
        at = self._find(digest, _SUSPECTS_AT, used, _SUSPECT.size)
        if at >= 0:
            _SUSPECT.pack_into(self._map, at, digest, _SUSPECT.unpack_from(self._map, at)[1] + 1)
        else:
            if used == SUSPECTS:
                used -= 1
                self._remove(self._oldest_suspect(), used)
            _SUSPECT.pack_into(self._map, _SUSPECTS_AT + used * _SUSPECT.size, digest, 1)
            _USED.pack_into(self._map, 0, used + 1, slots)

    def _oldest_suspect(self) -> int:
        """Where the one is that makes room; one that is refused only if all are."""
        rows = _SUSPECT.iter_unpack(self._map[_SUSPECTS_AT:_HEADS_AT])
        place = next((place for place, (_, deaths) in enumerate(rows) if deaths < DEADLY), 0)
        return _SUSPECTS_AT + place * _SUSPECT.size

    def _remove(self, at: int, last: int) -> None:
        """Those behind it move up, so that they stay in the order of their first deaths. last: the
        number of the last one.
        """
        end = _SUSPECTS_AT + (last + 1) * _SUSPECT.size
        self._map.move(at, at + _SUSPECT.size, end - at - _SUSPECT.size)

    def _find(self, digest: bytes, begin: int, rows: int, size: int) -> int:
        at = begin - 1
        while (at := self._map.find(digest, at + 1, begin + rows * size)) >= 0:
            if (at - begin) % size == 0:
                return at
        return -1

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        with self._lock:  # the other one is of processes, and does not keep threads apart
            limit = time.monotonic() + LOCK_SECONDS
            while not self._try_lock() and time.monotonic() < limit:
                time.sleep(0.005)
            try:
                yield
            finally:
                fcntl.lockf(self._handle, fcntl.LOCK_UN)

    def _try_lock(self) -> bool:
        try:
            fcntl.lockf(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        return True  # the kernel frees it when the process dies


class Guard:
    """Watches the requests of one worker. refuse: makes the error for a request that is not worked
    on, of (what, why, fix, status=…).
    """

    def __init__(self, path: str, slot: int, refuse: Callable[..., Exception]) -> None:
        self._path, self._slot, self._refuse = Path(path), slot, refuse
        self._ledger = Ledger(path) if path else None
        self._process = 0
        self._lock, self._trial = threading.Lock(), threading.Lock()
        self._places: list[int] = []

    def run(
        self,
        body: bytes,
        attempt: str | None,
        work: Callable[[], T],
        *,
        stands_in: bool = False,
    ) -> T:
        """Do `work`, the model's part of the request with this body, and return what it returns.
        Raises what `work` raises, or refuses the request as this module's text says.

        attempt: the header ATTEMPT. work: may be called twice, once in a copy of this process, so
        it writes nothing. stands_in: the request was meant for another version, which has no
        worker now.
        """
        ledger = self._ledger
        if ledger is None:
            return work()
        if self._process != os.getpid():
            self._begin_process(ledger)
        digest = blake2b(body, digest_size=_DIGEST).digest()
        if attempt not in (None, "1"):
            self._check_repetition(ledger, digest, work)
        elif stands_in:
            self._check_others(digest, work)
        if deaths := ledger.deaths(digest):
            self._check_suspect(ledger, digest, deaths, work)
        with self._lock:
            place = self._places.pop() if self._places else -1
        if place < 0:  # more at a time than there are places
            return work()
        ledger.begin(self._slot, place, digest)
        try:
            return work()
        finally:
            ledger.end(self._slot, place)
            with self._lock:
                self._places.append(place)

    def _begin_process(self, ledger: Ledger) -> None:
        """Also after a fork: gunicorn loads the model, then forks."""
        with self._lock:
            if self._process != os.getpid():
                ledger.take(self._slot)
                self._places = list(range(PLACES))
                self._process = os.getpid()
                threading.Thread(target=self._beat, args=(ledger,), daemon=True).start()

    def _beat(self, ledger: Ledger) -> None:
        """Not while the process is suspended, or one call holds the interpreter."""
        while True:
            ledger.beat(self._slot)
            time.sleep(BEAT_SECONDS)

    def _check_repetition(self, ledger: Ledger, digest: bytes, work: Callable[[], Any]) -> None:
        """The gateway sent it again."""
        live, moving = ledger.workers_on(digest, seconds=SLOW_SECONDS)
        if moving or live >= MOST_WORKERS:
            raise self._declined("Another worker is working on this request.")
        if self._check_others(digest, work):
            raise self._declined("A worker of its version is working on this request.")

    def _check_others(self, digest: bytes, work: Callable[[], Any]) -> bool:
        """Whether a worker of another version is working on it. One that was in progress at a death
        there is tried in a copy first, and refused if that dies too.
        """
        found = False
        deployment = self._path.name.partition(".")[0]
        for path in self._path.parent.glob(f"{deployment}.*.guard"):
            if path.name == self._path.name:
                continue
            with contextlib.suppress(OSError, ValueError):
                other = Ledger(path, create=False)
                try:
                    working, _ = other.workers_on(digest, seconds=SLOW_SECONDS)
                    deadly = other.deaths(digest)
                finally:
                    other.close()
                if deadly >= DEADLY or (deadly and self._trial_of(work) is False):
                    raise self._deadly("It is not tried on another version.")
                found = found or bool(working)
        return found

    def _declined(self, what: str) -> Exception:
        why = "The gateway sent it again because it was slow."
        return self._refuse(what, why, "Wait for the answer.", status=DECLINED)

    def _check_suspect(
        self, ledger: Ledger, digest: bytes, deaths: int, work: Callable[[], Any]
    ) -> None:
        if deaths < DEADLY:
            if self._trial_of(work) is False:
                ledger.convict(digest)
            else:  # a copy that is slow proves nothing, and the next request need not wait for one
                ledger.acquit(digest)
        if ledger.deaths(digest) >= DEADLY:
            raise self._deadly("It is not tried again.")

    def _trial_of(self, work: Callable[[], Any]) -> bool | None:
        with self._trial:  # one copy at a time
            return survives(work)

    def _deadly(self, consequence: str) -> Exception:
        return self._refuse(
            ENDS,
            f"The model's process died of it. {consequence}",
            "Look for what is special in its rows; a version that is deployed anew tries it again.",
            status=500,
        )


def from_environment(refuse: Callable[..., Exception]) -> Guard:
    """The guard of this worker; one that watches nothing where no file is given."""
    return Guard(
        os.environ.get("MLINFRA_GUARD", ""), int(os.environ.get("MLINFRA_SLOT", 0)), refuse
    )


def survives(work: Callable[[], Any], *, seconds: float = TRIAL_SECONDS) -> bool | None:
    """Whether a copy of this process that does `work` lives through it; an exception is no death.
    None: it did not end in time, as when it waits for a thread that a fork does not copy.
    """
    reader, writer = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of a fork with threads: see above
        copy = os.fork()
    if not copy:
        try:
            with contextlib.suppress(Exception):
                work()
            os.write(writer, b".")
        finally:
            os._exit(0)
    os.close(writer)
    try:
        poll = select.poll()  # `select` takes no descriptor above 1023
        poll.register(reader, select.POLLIN | select.POLLHUP)
        ended = poll.poll(seconds * 1000)
        return bool(os.read(reader, 1)) if ended else None
    finally:
        os.close(reader)
        os.kill(copy, signal.SIGKILL)  # not waited for yet, so the number is still its own
        os.waitpid(copy, 0)


def _head_at(number: int) -> int:
    return _HEADS_AT + number * _HEAD.size


def _notes_at(number: int) -> int:
    return _NOTES_AT + number * _NOTES_SIZE


def _answered_at(number: int) -> int:
    return _ANSWERED_AT + number * _ANSWERED_SIZE


def _alive(process: int, start: int) -> bool:
    """Whether this very process lives. One that is ending closes its connections before it is gone,
    so that a repetition may come while it is still listed.
    """
    if not process:
        return False
    ending, started = _stat(process)
    return not ending and started == start


def _stat(process: int) -> tuple[bool, int]:
    """Whether it is ending or gone, and its start time in clock ticks."""
    try:
        text = Path(f"/proc/{process}/stat").read_bytes()
    except OSError:
        return True, 0
    fields = text[text.rindex(b")") + 2 :].split()
    return fields[0] in (b"Z", b"X") or bool(int(fields[6]) & _EXITING), int(fields[19])
