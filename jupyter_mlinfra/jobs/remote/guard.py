"""The guard of one job on the machine where it runs: the remote side starts it, it starts the job.

It does what wrapper and supervisor do for local jobs: it takes the attempt, so that none runs
twice; passes a notice of preemption on as SIGTERM, the signal on which jobs save their work;
enforces the time limit; ends what a command leaves behind, even after setsid; and stores the exit
code. Standard library only.

python -m jupyter_mlinfra.jobs.remote.guard JOBS BATCH.ATTEMPT NOTICE INDEX RESTARTS

JOBS: folder of all jobs. BATCH.ATTEMPT: what was sent, and the number of its first start. NOTICE:
seconds of warning before a time limit. INDEX, RESTARTS: names of the variables with the job's index
in the batch, and with how often it was restarted.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import sys
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from ...core import variables
from ...core.files import open_regular, write_regular
from ...core.processes import TOKEN, tree
from ...core.secrets import resolve
from ..attempt import log_cap as capping
from ..attempt.files import UNCLAIMED, Attempt
from ..backends.program import CannotStart, find_program
from ..inside.report import give_reason
from .batches import Shipment
from .guard_files import (
    LIMIT,
    PARTITION_LIMIT,
    PREEMPTED,
    Order,
    StartRecord,
    has_order,
    write_asked,
)

NODE, GPU_IDS, ENDS_AT = variables.NODE, "MLINFRA_GPU_IDS", "MLINFRA_ENDS_AT"
"""Where the remote side may say on which machine this is, which of its GPUs it gave, and when it
ends the job at the latest, in seconds since 1970.
"""
RESOLUTION_SECONDS = 90.0
"""How much earlier than requested a notice of a time limit may come: up to a minute with Slurm."""
AGAIN_SECONDS = 0.1
_END = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
_NOTICE = (signal.SIGUSR1, signal.SIGUSR2)
_BLOCKED = {signal.SIGCHLD, *_END, *_NOTICE}
_DEFAULT = (*_END, *_NOTICE, signal.SIGPIPE, signal.SIGXFSZ)


def take(attempt: Attempt) -> bool:
    """Take the attempt; returns whether it was free. A claim is whole or absent, even if the quota
    is used up. Raises OSError.
    """
    claim, draft = (
        attempt.folder / "claim",
        attempt.folder / f".claim.{socket.gethostname()}.{os.getpid()}",
    )
    try:
        draft.write_text(f"{os.getpid()}\n")
        os.link(draft, claim)
    except FileExistsError:
        # A network file system may have done it, and have lost the answer.
        return draft.stat().st_nlink == 2
    finally:
        with contextlib.suppress(OSError):
            draft.unlink()
    return True


def take_over(first: Attempt, attempt: Attempt) -> None:
    """A later start has a folder of its own, with the instructions of the first one."""
    attempt.folder.mkdir(exist_ok=True)  # beside the first one
    for name in ("order.json", "notebook.json"):
        if (first.folder / name).exists():
            shutil.copyfile(first.folder / name, attempt.folder / name)


def environment_of(order: Order, attempt: Attempt, inherited: Mapping[str, str]) -> dict[str, str]:
    """The job's environment: the remote machine's, its own, ours. Raises CannotStart for a secret
    that the remote machine does not have.
    """
    missing = [
        value
        for value in order.environment.values()
        if value.startswith("env:") and value.removeprefix("env:") not in inherited
    ]
    if missing:
        raise CannotStart(
            f"Secret {missing[0]} is not set on {socket.gethostname()}, where the job runs."
        )
    own = {
        name: inherited[value.removeprefix("env:")] if value.startswith("env:") else resolve(value)
        for name, value in order.environment.items()
    }
    # A job that asked for no GPU sees none.
    visible = inherited.get("CUDA_VISIBLE_DEVICES", "") if order.gpus else ""
    return {
        **{name: value for name, value in inherited.items() if name not in (GPU_IDS, ENDS_AT)},
        **own,
        "CUDA_VISIBLE_DEVICES": visible,
        variables.PROGRESS: str(attempt.progress),
        variables.REASON: str(attempt.reason),
        NODE: inherited.get(NODE) or socket.gethostname(),
        variables.OUTBOX: str(attempt.folder.with_name("outbox")),
        TOKEN: order.token,
    }


class Guard:
    """Runs one command. give_way_seconds: how long it may take to give way; None if the remote side
    itself ends what takes too long.
    """

    def __init__(
        self,
        order: Order,
        attempt: Attempt,
        *,
        notice_seconds: float,
        give_way_seconds: float | None = None,
    ) -> None:
        self._order, self._attempt, self._notice, self._give_way = (
            order,
            attempt,
            notice_seconds,
            give_way_seconds,
        )
        self._began = time.monotonic()
        ends_at = os.environ.get(ENDS_AT, "")
        self._ends_at = int(ends_at) if ends_at.isdecimal() else None
        self._limit_at = None if order.limit_seconds is None else self._began + order.limit_seconds
        self._kill_at: float | None = None
        self._cap_at = 0.0
        self._asked = ""
        self._code: int | None = None

    def run(self, environment: Mapping[str, str]) -> int:
        """Start the command and watch it until nothing of it is left; returns its exit code."""
        os.chdir(self._order.folder)
        program = find_program(
            self._order.command[0],
            self._order.shown,
            self._order.folder,
            environment.get("PATH", os.defpath),
        )
        pid = os.posix_spawn(
            program,
            [program, *self._order.command[1:]],
            environment,
            setsid=True,
            setsigmask=(),
            setsigdef=_DEFAULT,
        )
        while self._code is None or self._sweep():
            self._wait(pid)
        if self._asked:
            with contextlib.suppress(OSError):  # even on a full disk the exit code is reported
                write_asked(self._attempt, self._asked)
        return self._code

    def _wait(self, pid: int) -> None:
        """Sleep until a signal or a due time, and act on it."""
        due = [
            moment
            for moment in (
                self._kill_at,
                self._limit_at if not self._asked else None,
                self._cap_log(),
            )
            if moment is not None
        ]
        if self._code is not None:
            due.append(time.monotonic() + AGAIN_SECONDS)
        got = (
            signal.sigtimedwait(_BLOCKED, max(0.0, min(due) - time.monotonic()))
            if due
            else signal.sigwaitinfo(_BLOCKED)
        )
        number = got.si_signo if got is not None else 0
        if (
            number in _NOTICE
            and self._code is None
            and not self._asked
            and not self._limit_is_near()
        ):
            self._asked = PARTITION_LIMIT if self._end_is_near() else PREEMPTED
            # It may use all of the remote side's grace period, which then ends it.
            self._signal(signal.SIGTERM)
            if self._give_way is not None and self._kill_at is None:
                self._kill_at = time.monotonic() + self._give_way
        elif number in _END and self._kill_at is None:
            self._end()
        elif (
            self._limit_at is not None
            and not self._asked
            and time.monotonic() >= self._limit_at
            and self._code is None
        ):
            self._asked = LIMIT
            self._end()
        elif self._kill_at is not None and time.monotonic() >= self._kill_at:
            self._signal(signal.SIGKILL)
            self._kill_at = time.monotonic() + AGAIN_SECONDS
        self._reap(pid)

    def _cap_log(self) -> float | None:
        """Limit the log, if it is time; returns when to check again, in monotonic seconds."""
        if self._order.log_bytes is None:
            return None
        if time.monotonic() >= self._cap_at:
            self._cap_at = time.monotonic() + capping.LOOK_SECONDS
            with contextlib.suppress(OSError):
                capping.cap_log(self._attempt, self._order.log_bytes)
        return self._cap_at

    def _limit_is_near(self) -> bool:
        """Whether a notice concerns the job's own time limit, which is an end and not a
        preemption.
        """
        return self._limit_at is not None and self._limit_at - time.monotonic() <= 2 * self._notice

    def _end_is_near(self) -> bool:
        """Whether a notice concerns a limit of the remote side, which would be the same another
        time.
        """
        return (
            self._ends_at is not None
            and self._ends_at - time.time() <= self._notice + RESOLUTION_SECONDS
        )

    def _reap(self, pid: int) -> None:
        while self._code is None:
            found, status = os.waitpid(pid, os.WNOHANG)
            if not found:
                return
            code = os.waitstatus_to_exitcode(status)
            self._code = code if code >= 0 else 128 - code

    def _sweep(self) -> bool:
        """Whether processes of a command that has ended are left; they are asked to end."""
        if not tree(self._order.token):
            return False
        if self._kill_at is None:
            self._end()
        return True

    def _end(self) -> None:
        self._kill_at = time.monotonic() + self._order.grace_seconds
        self._signal(signal.SIGTERM)

    def _signal(self, number: int) -> None:
        for process in tree(self._order.token):
            process.signal(number)


def guard(
    order: Order, attempt: Attempt, *, notice_seconds: float, give_way_seconds: float | None = None
) -> int:
    """Run an attempt that was taken; returns the exit code, which is stored."""
    os.environ[variables.REASON] = str(attempt.reason)
    try:
        environment = environment_of(order, attempt, os.environ)
        code = Guard(
            order, attempt, notice_seconds=notice_seconds, give_way_seconds=give_way_seconds
        ).run(environment)
    except CannotStart as error:
        give_reason(error.reason)
        code = error.code or 1
    except OSError as error:
        give_reason(
            f"It could not be started on {socket.gethostname()}: {error.strerror}:"
            f" {error.filename or order.folder}."
        )
        code = 126
    with contextlib.suppress(OSError):  # the remote side reports it too
        write_regular(attempt.folder / "exit", f"{code}\n")
    return code


def main() -> None:
    """Run what the command line says."""
    jobs, sent, notice, index, restarts = sys.argv[1:]
    prepare()
    name, _, number = sent.rpartition(".")
    place, shipment = int(os.environ.get(index) or 0), Shipment.read(Path(jobs), name)
    if shipment is None or place >= len(shipment.jobs):
        sys.exit(
            f"{jobs}/batches/{name}.json, which says what to run, cannot be read on"
            f" {socket.gethostname()}."
        )
    folder = Path(jobs) / shipment.jobs[place]
    sys.exit(
        run(
            folder,
            int(number),
            restarts=int(os.environ.get(restarts) or 0),
            notice_seconds=float(notice),
            key=f"{sent}.{place}",
        )
    )


def prepare() -> None:
    """From here on signals wait until they are handled."""
    signal.pthread_sigmask(signal.SIG_BLOCK, _BLOCKED)
    for (
        handled
    ) in _BLOCKED:  # the script that starts us ignores some: until here they would have ended it
        signal.signal(handled, signal.SIG_DFL)
    os.umask(0o077)


def run(
    job: Path,
    number: int,
    *,
    restarts: int,
    notice_seconds: float,
    give_way_seconds: float | None = None,
    key: str = "",
) -> int:
    """Take and run an attempt, with its log as output; returns its exit code.

    job: its folder. number: of its first start with this order. key: that the order must have; any
    if empty.
    """
    first, attempt = Attempt(job / str(number)), Attempt(job / str(number + restarts))
    if attempt.folder != first.folder:
        before = Attempt(attempt.folder.with_name(str(int(attempt.folder.name) - 1)))
        if before.exit_code() == 0:
            return 0  # it succeeded while it was preempted: there is nothing left to do
    try:
        if key and not has_order(first, key):
            return UNCLAIMED
        order = Order.read(first)
        if attempt.folder != first.folder:
            take_over(first, attempt)
        if not take(attempt):
            return UNCLAIMED
        # Called off meanwhile, by a follower that saw no claim.
        if key and not has_order(first, key):
            (attempt.folder / "claim").unlink()
            return UNCLAIMED
        _write_log(attempt)
    except (OSError, ValueError, TypeError) as error:
        sys.stderr.write(f"It cannot be started on {socket.gethostname()}: {error}\n")
        return 126
    order = replace(
        order,
        command=[
            str(attempt.notebook) if argument == str(first.notebook) else argument
            for argument in order.command
        ],
    )
    _tell(order, attempt)
    return guard(order, attempt, notice_seconds=notice_seconds, give_way_seconds=give_way_seconds)


def _write_log(attempt: Attempt) -> None:
    """From here on output goes to the attempt's log."""
    log = open_regular(attempt.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    null = os.open(os.devnull, os.O_RDONLY)
    for source, target in ((null, 0), (log, 1), (log, 2)):
        os.dup2(source, target)
    os.closerange(3, 64)


def _tell(order: Order, attempt: Attempt) -> None:
    """Record where the job runs."""
    node, gpus = os.environ.get(NODE) or socket.gethostname(), os.environ.get(GPU_IDS, "")
    visible = (gpus or os.environ.get("CUDA_VISIBLE_DEVICES", "")) if order.gpus else ""
    gpu_ids = [f"{node}:{gpu}" if gpu.isdigit() else gpu for gpu in visible.split(",") if gpu]
    with contextlib.suppress(OSError):
        StartRecord(node=node, gpu_ids=gpu_ids).write(attempt)


if __name__ == "__main__":
    main()
