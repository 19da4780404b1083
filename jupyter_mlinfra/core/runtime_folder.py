"""The folder in memory of one project: sockets and heartbeats of its daemons, environments of its
jobs, and whatever else must not reach a disk.
"""

from __future__ import annotations

import contextlib
import os
import stat
from functools import cache
from hashlib import blake2b
from pathlib import Path

from .errors import Unavailable
from .files import read_regular, write_atomic

HOME_MARK = "home"
"""The file in it that says where the project's state is, and on which file system."""


def runtime_folder(home: Path) -> Path:
    """A short-pathed folder in memory for one project that only this user can enter.

    Raises Unavailable if there is none: on a disk, secrets would outlive the job.
    """
    base = os.environ.get("XDG_RUNTIME_DIR")
    candidates = [Path(base) / "mlinfra"] if base else []
    candidates.append(Path("/dev/shm") / f"mlinfra-{os.getuid()}")  # noqa: S108 - checked to be ours below
    for folder in candidates:
        with contextlib.suppress(OSError):
            if not _in_memory(folder.parent):
                continue
            found = _make_folder(folder)
            if (
                stat.S_ISDIR(found.st_mode)
                and found.st_uid == os.getuid()
                and stat.S_IMODE(found.st_mode) & 0o077 == 0
            ):
                mine = folder / runtime_name(home)
                _make_folder(mine)
                _note_home(mine / HOME_MARK, home)
                return mine
    raise Unavailable(
        "There is no folder in memory for the project.",
        "Neither XDG_RUNTIME_DIR nor /dev/shm is on a memory file system (tmpfs) where this user"
        " can have a folder of its own.",
        "Mount a tmpfs on /dev/shm, or set XDG_RUNTIME_DIR to a folder on one.",
    )


def runtime_name(home: Path) -> str:
    """The name of a project's folder in memory."""
    return blake2b(os.fsencode(home), digest_size=8).hexdigest()


def _make_folder(folder: Path) -> os.stat_result:
    """A folder, created if necessary."""
    try:
        return os.lstat(folder)
    except FileNotFoundError:
        folder.mkdir(mode=0o700, exist_ok=True)
        return os.lstat(folder)


@cache
def _in_memory(folder: Path) -> bool:
    """Whether the file system is kept in memory; its pages may be swapped out, as all memory may.
    Checked once, since every submit asks.
    """
    mounts = (
        line.split()
        for line in Path("/proc/self/mounts").read_text(errors="surrogateescape").splitlines()
    )
    kinds = {fields[1]: fields[2] for fields in mounts}
    real = folder.resolve()
    return next(
        (kinds[str(parent)] for parent in (real, *real.parents) if str(parent) in kinds), ""
    ) in ("tmpfs", "ramfs")


def _note_home(mark: Path, home: Path) -> None:
    """Record where the state is, and again when its file system was remounted. If it cannot be
    read, the record stays.
    """
    recorded, device = read_regular(mark) if mark.exists() else b"", b""
    with contextlib.suppress(OSError):
        device = device_of(os.fsencode(home))
    current = os.fsencode(home) + b"\0" + device
    if not recorded or (recorded != current and device and home.is_dir()):
        write_atomic(mark, current)


def device_of(path: bytes) -> bytes:
    """The file system of a folder, or of the part of its path that still exists. Raises OSError."""
    try:
        return b"%d" % os.stat(path).st_dev
    except FileNotFoundError:
        return device_of(os.path.dirname(path))
