"""The warm runners of one supervisor: which exist, which job may have which, when another is
prepared and when they end.

The safety of jobs does not depend on this module. A runner has a token from its start; the attempt
that it gets is first recorded with that token, so that whatever dies, its processes are found like
those of any attempt.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import signal
import socket
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path

from ...core import variables
from ...core.daemons.wakeups import Wakeups
from ...core.errors import MLInfraError, NotFound
from ...core.files import read_tail
from ...core.machine import memory_used
from ...core.processes import TOKEN, end_token, failpoint, start_ticks, tokens, tree
from ...core.runtime_folder import runtime_folder
from ...core.secrets import is_reference
from ...notebooks.warm.kinds import (
    FAILED_SECONDS,
    FULL,
    IDLE_SECONDS,
    LOOK_SECONDS,
    NOTEBOOKS,
    READY_SECONDS,
    REFILL_SECONDS,
    folders_before,
    hangs_on_folder,
    key_of,
    next_kind,
    note_kind,
    resident,
)
from ...notebooks.warm.standing import Standing
from ..attempt import environment
from ..backends.launch import Place, prepare, spawn_wrapper
from ..inside.warm_messages import WRAPPER, Order, Warming, dump, parse
from ..queue.rows import JobEntry
from ..queue.store import JobStore
from .running import WARM

SEND_SECONDS = 1.0
_WORD_BYTES = 65536


@dataclass(slots=True)
class _Kind:
    """Runners that are alike. environment: what they start in. notebooks: frozen ones that ran
    lately, newest first. failures: in a row.
    """

    python: str
    kernel: str
    environment: dict[str, str]
    notebooks: list[str] = field(default_factory=list)
    failures: int = 0


@dataclass(slots=True)
class Runner:
    """One warm process tree. channel: its orders and its reports. standing: None until it is ready.
    size: bytes that it holds.
    """

    key: str
    token: str
    pid: int
    channel: socket.socket
    log: Path
    since: float
    standing: Standing | None = None
    size: int = 0
    received: bytes = b""


@dataclass(frozen=True, slots=True)
class PrestartedRunner:
    """See `running.Prestarted`."""

    pool: Warm
    runner: Runner

    @property
    def token(self) -> str:
        return self.runner.token

    def hand_over(self, entry: JobEntry) -> int | None:
        return self.pool.hand_over(self.runner, entry)

    def give_back(self) -> None:
        self.pool.give_back(self.runner)

    def discard(self) -> None:
        self.pool.discard(self.runner)


class Warm:
    """The runners of one project; without a size it does nothing."""

    def __init__(
        self,
        place: Place,
        *,
        size: int,
        memory_gib: float,
        imports: Sequence[str],
        wakeups: Wakeups,
        say: Callable[[str], None],
    ) -> None:
        self._place, self._size, self._room, self._imports = (
            place,
            size,
            int(memory_gib * 2**30),
            tuple(imports),
        )
        self._wakeups, self._say = wakeups, say
        self._begin = f"{WARM}{blake2b(os.fsencode(place.home), digest_size=6).hexdigest()}-"
        self._folder = place.home / "warm"
        self._kinds: dict[str, _Kind] = {}
        self._runners: list[Runner] = []
        self._ended: list[int] = []
        self._used_at = 0.0
        self._again_at = 0.0
        self._largest = 0

    def sweep(self, store: JobStore) -> None:
        """End what an earlier supervisor has left, except what runs a job."""
        active = {entry.token for entry in store.active()}
        for token in tokens(self._begin) - active:
            end_token(token, grace_seconds=0)
        if self._folder.is_dir():
            for log in self._folder.iterdir():
                log.unlink(missing_ok=True)

    # For jobs

    def take(self, store: JobStore, job: str, gpu_ids: Sequence[str]) -> PrestartedRunner | None:
        """A runner that this job may have, no longer ours; None if the job starts normally."""
        if not self._size:
            return None
        try:
            entry = store.entry(job)
        except NotFound:
            return None
        kind = self._kind(entry)
        if kind is None:
            return None
        self._used_at = time.monotonic()
        folders = self._folders_before(entry)
        for runner in list(self._runners):
            if (
                runner.key == kind
                and _suits(runner.standing, gpu_ids, folders)
                and self._fit(runner)
            ):
                self._let_go(runner)
                self._again_at = self._used_at + REFILL_SECONDS
                return PrestartedRunner(self, runner)
        return None

    def hand_over(self, runner: Runner, entry: JobEntry) -> int | None:
        """Give it the attempt, which is recorded with its token; returns the wrapper's pid, or None
        if the attempt must be started normally.

        Either it has the complete order or it ends without having taken anything: the socket is
        closed after this. Raises what `prepare` raises.
        """
        handed_over = False
        try:
            start = prepare(entry, self._place)
            os.truncate(runner.log, 0)  # what the imports wrote
            os.replace(runner.log, start.attempt.log)  # all of its processes already write there
            # As the shell of a cold start sets it.
            environment = {**start.environment(runner.token), "PWD": entry.launch.folder}
            order = Order(
                folder=str(start.attempt.folder),
                cwd=entry.launch.folder,
                task=str(start.attempt.notebook),
                environment=environment,
            )
            failpoint("giving")
            runner.channel.settimeout(SEND_SECONDS)
            with contextlib.suppress(OSError):
                runner.channel.sendall(dump(order))
                handed_over = True
            failpoint("given")
        finally:
            runner.channel.close()
            if not handed_over:
                self._ended.append(runner.pid)
        return runner.pid if handed_over else None

    def give_back(self, runner: Runner) -> None:
        """The job that it was taken for does not start."""
        self._runners.append(runner)
        self._wakeups.watch("", runner.channel.fileno())

    def discard(self, runner: Runner) -> None:
        """It is unknown whether the job will have it."""
        self.give_back(runner)
        self._drop(runner, "")

    # For the supervisor's round

    def can_read(self, handle: int) -> None:
        """A runner reported that it is ready, or has ended."""
        runner = next(
            (runner for runner in self._runners if runner.channel.fileno() == handle), None
        )
        if runner is None:
            return
        try:
            runner.received += (part := runner.channel.recv(_WORD_BYTES))
        except OSError:
            part = b""
        self._wakeups.watch("", handle)
        if not part:
            self._failed(runner, "it ended before it was used")
            return
        if (found := parse(runner.received)) is not None:
            runner.standing = Standing(**found)
            runner.size = sum(resident(process.pid) for process in tree(runner.token))
            self._largest = max(self._largest, runner.size)
            if (kind := self._kinds.get(runner.key)) is not None:
                kind.failures = 0
            self._say(
                f"keeps a kernel warm: {runner.size / 2**20:.0f} MiB, ready after"
                f" {time.monotonic() - runner.since:.1f} s"
            )

    def tend(self, *, free: bool) -> None:
        """End what is old, stale or too much; start one that is wanted. free: whether a CPU slot is
        free.
        """
        if not self._size:
            return
        self._reap()
        at = time.monotonic()
        for runner in list(self._runners):
            if runner.standing is None and at >= runner.since + READY_SECONDS:
                self._failed(runner, f"it was not ready within {READY_SECONDS:.0f} s")
            else:
                self._fit(runner)
        if at >= self._used_at + IDLE_SECONDS:
            self._clear("no job asked for one")
            self._kinds.clear()  # an environment may hold secrets
        elif memory_used() >= FULL:
            self._clear("the machine is short of memory")
        elif self._held() > self._room and self._runners:
            self._drop(self._runners[0], "together they hold more than warm_memory_gib")
            self._again_at = at + IDLE_SECONDS
        elif (
            free
            and at >= self._again_at
            and all(runner.standing is not None for runner in self._runners)
            and self._kinds
        ):
            self._fill()

    def pids(self) -> list[int]:
        """Our children among them."""
        return [*(runner.pid for runner in self._runners), *self._ended]

    def due(self) -> float | None:
        """When to check again, in monotonic seconds."""
        moments = (
            [time.monotonic() + LOOK_SECONDS, self._used_at + IDLE_SECONDS]
            if self._runners or self._ended
            else []
        )
        if (
            self._again_at > time.monotonic()
            and self._kinds
            and time.monotonic() < self._used_at + IDLE_SECONDS
        ):
            moments.append(self._again_at)
        return min(moments, default=None)

    def close(self) -> None:
        """End all of them."""
        self._clear("")

    # Within

    def _kind(self, entry: JobEntry) -> str | None:
        """The key of the runners that can run this job; None if none can."""
        launch = entry.launch
        if entry.spec.notebook is None or not launch.kernel:
            return None
        variables = environment.recall(launch.environment)
        if variables is None:
            return None
        variables |= entry.spec.environment
        if hangs_on_folder(variables):
            return None
        key = key_of((launch.python, launch.kernel), variables)
        kind = self._kinds.get(key)
        if kind is None:
            plain = {
                name: value
                for name, value in variables.items()
                if name not in entry.spec.environment or not is_reference(value)
            }
            kind = _Kind(launch.python, launch.kernel, plain)
        note_kind(self._kinds, key, kind)
        source = str(
            self._place.home
            / "snapshots"
            / "trees"
            / (entry.job.snapshot or "")
            / entry.spec.notebook
        )
        kind.notebooks = [
            source,
            *(
                path
                for path in kind.notebooks
                if path != source and not path.endswith(f"/{entry.spec.notebook}")
            ),
        ][:NOTEBOOKS]
        return key

    def _folders_before(self, entry: JobEntry) -> list[str]:
        """Where the job looks for modules before the installed packages: frozen folder, working
        folder, PYTHONPATH.
        """
        tree = (
            self._place.home
            / "snapshots"
            / "trees"
            / (entry.job.snapshot or "")
            / os.path.relpath(entry.launch.folder, self._place.root)
        )
        variables = {
            **(environment.recall(entry.launch.environment) or {}),
            **entry.spec.environment,
        }
        return [
            *([str(tree)] if entry.job.snapshot else []),
            *folders_before(entry.launch.folder, variables),
        ]

    def _fill(self) -> None:
        """Start one runner of the kind that was requested last, if there is room."""
        found = next_kind(self._kinds, self._runners, self._size)
        if found is None:
            return
        key, other = found
        if other is not None:
            self._drop(other, "other jobs ask for others")
        if self._held() + self._largest > self._room:
            return
        try:
            self._runners.append(self._started(key))
        except (OSError, MLInfraError, ValueError) as error:
            self._say(f"no kernel is warmed: {error}")
            self._pause(key)
            return
        self._wakeups.watch("", self._runners[-1].channel.fileno())

    def _started(self, key: str) -> Runner:
        kind, token = self._kinds[key], self._begin + secrets.token_hex(8)
        self._folder.mkdir(exist_ok=True)
        log = self._folder / token
        warming = Warming(
            kernel=kind.kernel,
            sockets=str(runtime_folder(self._place.home) / f"{token}.kernel"),
            imports=self._imports,
            notebooks=kind.notebooks,
        )
        environment = {
            **kind.environment,
            "PYTHONUNBUFFERED": "1",
            "CUDA_DEVICE_ORDER": "PCI_BUS_ID",
            "CUDA_VISIBLE_DEVICES": "",
        }
        environment |= {variables.PROJECT: str(self._place.root), TOKEN: token}
        command = [
            kind.python,
            "-P",
            "-m",
            "jupyter_mlinfra.jobs.inside.warm_runner",
            warming.dump(),
        ]
        our_end, its_end = socket.socketpair()
        try:
            with its_end:
                pid = spawn_wrapper(
                    WRAPPER, ["mlinfra-warm", *command], environment, log=log, pipe=its_end.fileno()
                )
        except BaseException:
            our_end.close()
            raise
        return Runner(key, token, pid, our_end, log, time.monotonic())

    def _fit(self, runner: Runner) -> bool:
        """Whether it can still be given to a job; otherwise it is ended."""
        if start_ticks(runner.pid) is None:  # the pid stays its own until we read its exit status
            self._drop(runner, "its wrapper was killed")
        elif runner.standing is not None and not runner.standing.fresh():
            self._drop(runner, "an environment has changed")
        else:
            return True
        return False

    def _held(self) -> int:
        return sum(runner.size or self._largest for runner in self._runners)

    def _failed(self, runner: Runner, why: str) -> None:
        with contextlib.suppress(OSError):
            output = read_tail(runner.log, _WORD_BYTES).decode(errors="replace")
            lines = output.strip().splitlines()
            why += f": {lines[-1][:300]}" if lines else ""
        ready = runner.standing is not None
        self._drop(runner, why)
        if not ready:
            self._pause(runner.key)

    def _pause(self, key: str) -> None:
        if (kind := self._kinds.get(key)) is not None:
            kind.failures += 1
        self._again_at = time.monotonic() + FAILED_SECONDS

    def _clear(self, why: str) -> None:
        for runner in list(self._runners):
            self._drop(runner, why)

    def _drop(self, runner: Runner, why: str) -> None:
        """End a runner that has no attempt."""
        self._let_go(runner)
        runner.channel.close()
        with contextlib.suppress(OSError):
            # It is our child, so the pid cannot be another's. A runner that is just being
            # started shows no token for a moment.
            os.killpg(runner.pid, signal.SIGKILL)
        end_token(runner.token, grace_seconds=0)
        self._ended.append(runner.pid)
        self._reap()
        for path in (
            runner.log,
            *runtime_folder(self._place.home).glob(f"{runner.token}.*"),
        ):
            with contextlib.suppress(OSError):
                path.unlink(missing_ok=True)
        if why:
            self._say(f"a warm kernel is ended: {why}")

    def _let_go(self, runner: Runner) -> None:
        self._runners.remove(runner)
        self._wakeups.unwatch([runner.channel.fileno()])

    def _reap(self) -> None:
        for pid in list(self._ended):
            with contextlib.suppress(ChildProcessError):
                if os.waitpid(pid, os.WNOHANG) == (0, 0):
                    continue
            self._ended.remove(pid)


def _suits(standing: Standing | None, gpu_ids: Sequence[str], folders: Sequence[str]) -> bool:
    """Whether a runner can replace a process started for the job. folders: where that process would
    look for modules first.
    """
    if standing is None or (gpu_ids and not standing.gpu):
        return False
    try:
        return standing.stands_for(folders)
    except OSError:
        return False
