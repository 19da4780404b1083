"""The environment of a job: the submitter's, kept only in memory, since it may hold secrets.

It is a file on a memory file system that only its owner can read: never in `state.db`, never on a
disk, and no longer than a job needs it. A reboot loses it, and a waiting job then gets the
supervisor's environment.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import AbstractContextManager
from hashlib import blake2b
from pathlib import Path

from ...core.errors import Conflict
from ...core.files import file_lock, read_regular, write_atomic
from ...core.processes import TOKEN
from ...core.runtime_folder import HOME_MARK, device_of
from ...core.variables import (
    ARRAY_INDEX,
    CHECKPOINTS,
    DETACHED,
    GPU_SHARE,
    JOB,
    NODE,
    NOTEBOOK,
    ONLY_HERE,
    OUTBOX,
    PROGRESS,
    REASON,
    STEP,
)

# They describe the submitting process, not the job.
_NOT_PASSED_ON = {
    TOKEN,
    JOB,
    PROGRESS,
    REASON,
    CHECKPOINTS,
    ARRAY_INDEX,
    DETACHED,
    GPU_SHARE,
    NODE,
    OUTBOX,
    NOTEBOOK,
    STEP,
    "MLINFRA_FAIL",
    "_",
    "PWD",
    "OLDPWD",
    "SHLVL",
    "JPY_PARENT_PID",
    "JPY_SESSION_NAME",
}
FRESH_SECONDS = 3600.0
_GONE = "gone"
"""In a project's runtime folder: since when its state was not found where it should be."""

Around = Callable[[Mapping[str, str]], Mapping[str, str]]
"""Adds the project's variables to the environment of a job."""


def submitters_environment() -> dict[str, str]:
    """What a job inherits from the process that submits it, with a default for how OpenMP waits.

    Its own default is that threads spin while they wait for each other. With fewer free cores than
    threads they then keep each other from working: two XGBoost jobs on two cores took over twenty
    times as long.
    """
    passed = {"OMP_WAIT_POLICY": "PASSIVE"} | {
        name: value for name, value in os.environ.items() if name not in _NOT_PASSED_ON
    }
    # A kernel sets it for itself: it needs IPython's display.
    if passed.get("MPLBACKEND", "").startswith("module://"):
        del passed["MPLBACKEND"]
    return passed


def for_other_machines(environment: Mapping[str, str]) -> dict[str, str]:
    """The part of an environment that goes to another machine."""
    stays = {ONLY_HERE, *environment.get(ONLY_HERE, "").split(",")}
    return {name: value for name, value in environment.items() if name not in stays}


def keep(environment: Mapping[str, str], folder: Path) -> str:
    """Keep an environment in the runtime folder; returns the file. Equal environments share one.

    Raises Unavailable if there is no room.
    """
    data = os.fsencode("\0".join(f"{name}={value}" for name, value in sorted(environment.items())))
    path = folder / f"{blake2b(data, digest_size=16).hexdigest()}.environment"
    try:
        os.utime(path)
    except FileNotFoundError:
        write_atomic(path, data)
    return str(path)


def recall(path: str) -> dict[str, str] | None:
    """The environment that `keep` stored; None if the machine has restarted since."""
    try:
        data = read_regular(path)
    except OSError:
        return None
    pairs = (os.fsdecode(part).partition("=") for part in data.split(b"\0") if part)
    return {name: value for name, _, value in pairs}


def handing_over(folder: Path, *, wait: bool = True) -> AbstractContextManager[int]:
    """Between storing an environment and recording its job, no process removes it. Raises Conflict
    if another process is doing so and `wait` is false.
    """
    return file_lock(folder / "lock", wait=wait, what="A submit")


def release(path: str, *, needed: Callable[[], bool]) -> None:
    """Remove the environment of a job that has ended, unless another job needs it. During a submit
    it stays, for `forget`.
    """
    if os.path.exists(path):
        with contextlib.suppress(Conflict), handing_over(Path(path).parent, wait=False):
            if not needed():
                Path(path).unlink(missing_ok=True)


def forget(
    folder: Path,
    *,
    jobs: Collection[str],
    environments: Collection[str],
    fresh_seconds: float = FRESH_SECONDS,
) -> None:
    """Remove what belongs to no waiting or running job: environments, late cancel requests, and
    sockets of killed kernels (`JOB.….kernel-N`).

    Fresh files stay: their job may be about to be recorded.
    """
    _drop(
        [
            path
            for kind in ("kernel-*", "cancel")
            for path in folder.glob(f"*.{kind}")
            if path.name.partition(".")[0] not in jobs
        ],
        fresh_seconds,
    )
    forget_environments(folder, needed=environments, fresh_seconds=fresh_seconds)


def forget_environments(
    folder: Path, *, needed: Collection[str] = (), fresh_seconds: float = 0.0
) -> None:
    """Remove the environments of jobs that will never start."""
    unused = [path for path in folder.glob("*.environment") if str(path) not in needed]
    # Including drafts of a killed submit.
    _drop([*unused, *folder.glob(".*.environment.*")], fresh_seconds)


def forget_deleted(folder: Path) -> None:
    """Remove the environments of projects whose state was deleted while jobs waited. folder: of an
    existing project; the others are beside it.

    Fresh files stay, and so do those of projects missed for less than an hour. A state that cannot
    be read, or whose file system is not mounted, does not count as deleted.
    """
    for other in folder.parent.iterdir():
        # A folder without this mark, or one that cannot be read, is left as it is.
        with contextlib.suppress(OSError):
            home, _, device = read_regular(other / HOME_MARK).partition(b"\0")
            missed = other / _GONE
            if not _is_deleted(home, device):
                missed.unlink(missing_ok=True)
            elif not missed.exists():
                write_atomic(missed, b"")
            elif missed.stat().st_mtime <= time.time() - FRESH_SECONDS:
                forget_environments(other, fresh_seconds=FRESH_SECONDS)


def _is_deleted(home: bytes, device: bytes) -> bool:
    """Whether a folder is gone from a file system that is still mounted. Raises OSError if that is
    unknown.
    """
    try:
        os.stat(home)
    except FileNotFoundError:
        return device_of(home) == device
    return False


def _drop(paths: Iterable[Path], fresh_seconds: float) -> None:
    limit = time.time() - fresh_seconds
    for path in paths:
        with contextlib.suppress(OSError):
            if path.stat().st_mtime <= limit:
                path.unlink()
