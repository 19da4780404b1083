"""Writes that are whole or absent, reads that never block, and locks that are freed when their
holder dies.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import re
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .errors import Conflict, MLInfraError, Unavailable

HOME = ".mlinfra"
"""Folder of a project's state."""

_FULL = {
    errno.ENOSPC: "The disk is full.",
    errno.EDQUOT: "The disk quota is used up.",
    errno.EROFS: "The file system is read-only.",
}
_DRAFT = 50  # characters, of at most four bytes
_VALUES = re.compile(r"(?<=/)([^/=\s]+)=[^/\s]+(?=/)")
_PROBE = 64 << 10  # bytes: a transaction of the state database and a line of a log


def explain_os_error(error: OSError, what: str) -> MLInfraError:
    """Turn an I/O error into one that says how to fix it; the caller raises it `from error`."""
    why = _FULL.get(error.errno or 0) or f"{error.strerror or error}."
    if error.errno in (errno.EACCES, errno.EPERM):
        fix = f"Give this user the right to write {_existing(error.filename) or 'there'}."
    elif error.errno == errno.EROFS:
        fix = (
            "Mount it so that it can be written, or set `home` in mlinfra.toml to a folder that"
            " can be."
        )
    elif error.errno in _FULL:
        fix = "Free some space, or set `home` in mlinfra.toml to a folder that can be written."
    else:
        fix = "Repair the file system and try again; nothing was changed."
    return Unavailable(what, why, fix)


def without_values(text: str) -> str:
    """What a library says of a file, without the values in the names of folders (`/email=…/`):
    whether they are masked is not known there.
    """
    return _VALUES.sub(r"\1=…", text)


def _existing(name: Any) -> str:
    """A file, or the folder above it that exists; empty for what is not a path."""
    path = os.fsdecode(name) if isinstance(name, str | bytes | os.PathLike) else ""
    while path and not os.path.exists(path) and path != os.path.dirname(path):
        path = os.path.dirname(path)
    return path


def real_path(path: Path) -> Path:
    """`path` with its links followed; parts that do not exist stay as they are.

    Raises OSError for a loop of links, where `Path.resolve` raises RuntimeError up to Python 3.12
    and nothing from 3.13 on, and for a name that is too long; ValueError for a NUL byte.
    """
    try:
        real = path.resolve()
        path.stat()
    except RuntimeError:
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(path)) from None
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.ENAMETOOLONG):
            raise
    return real


def sync_folder(folder: Path) -> None:
    """Make renames in `folder` survive a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def make_below(base: Path, folder: Path) -> None:
    """Make `folder` and what is missing between it and `base`, but never `base` itself: of a
    project that was removed nothing may come back. Raises OSError, FileNotFoundError without it.
    """
    if folder.is_dir():
        return
    depth = len(folder.relative_to(base).parts)
    for part in reversed((folder, *folder.parents)[:depth]):
        part.mkdir(exist_ok=True)


def _refuse_home(folder: Path) -> None:
    """Raise FileNotFoundError if the home of a project would have to be made for this folder."""
    for part in (folder, *folder.parents):
        if part.exists():
            return
        if part.name == HOME:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(part))


def write_atomic(path: Path, data: bytes, *, mode: int = 0o600, parents: bool = False) -> None:
    """Replace `path` by `data` in one step: temporary file, fsync, rename, fsync of the folder.

    Missing folders are made, but never the home of a project: of one that was removed nothing may
    come back. With `parents`, for a file that a user names, all are. Raises Unavailable without a
    folder and on a full or read-only disk; the old file is then unchanged.
    """
    draft: str | None = None
    try:
        if not parents:
            _refuse_home(path.parent)
        path.parent.mkdir(parents=True, exist_ok=True)
        # A name may be as long as the file system takes.
        handle, draft = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:_DRAFT]}.")
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(draft, mode)
        os.replace(draft, path)
        sync_folder(path.parent)
    except BaseException as error:  # an interrupt leaves nothing behind either
        if draft:
            with contextlib.suppress(OSError):
                os.unlink(draft)
        if isinstance(error, OSError):
            raise explain_os_error(error, f"{path.name} was not written.") from error
        raise


def check_writable(folder: Path, what: str) -> None:
    """Raise Unavailable if a small file cannot be written now; for work of another process, which
    could not report it. what: the error's first sentence.
    """
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(bytes(_PROBE))
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise explain_os_error(error, what) from error


def open_regular(path: Path | str, flags: int = os.O_RDONLY, *, follow: bool = False) -> int:
    """Open a file that a job may have put there, only if it is a regular file. Returns its
    descriptor.

    A FIFO would block, a device could do worse, and a link may lead anywhere. follow: whether a
    link to a regular file is accepted. Raises OSError.
    """
    irregular = OSError(errno.EINVAL, "It is not a regular file", os.fspath(path))
    try:
        handle = os.open(
            path,
            flags | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY | (0 if follow else os.O_NOFOLLOW),
            0o600,
        )
    except OSError as error:
        raise (irregular if error.errno in (errno.ELOOP, errno.ENXIO) else error) from None
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise irregular
    os.set_blocking(handle, True)  # as a process that inherits it expects
    return handle


def read_regular(path: Path | str, limit: int = -1, *, follow: bool = False) -> bytes:
    """The first `limit` bytes of such a file. Raises OSError."""
    with os.fdopen(open_regular(path, follow=follow), "rb") as file:
        return file.read(limit)


def read_tail(path: Path | str, limit: int) -> bytes:
    """The last `limit` bytes of such a file. Raises OSError."""
    with os.fdopen(open_regular(path), "rb") as file:
        file.seek(max(0, os.fstat(file.fileno()).st_size - limit))
        return file.read(limit)


def write_regular(path: Path | str, text: str) -> None:
    """Replace the content of such a file in place. Raises OSError."""
    handle = open_regular(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    with os.fdopen(handle, "w", encoding="utf-8", errors="replace") as file:
        file.write(text)


@contextlib.contextmanager
def file_lock(path: Path, *, wait: bool = True, what: str = "This") -> Iterator[int]:
    """Hold an exclusive lock; the kernel frees it when the process ends in any way.

    Its folder is made if it is missing, but never the home of a project that was removed. Raises
    Conflict when `wait` is false and another process holds it, Unavailable without a home, or on a
    full or read-only disk.
    """
    try:
        _refuse_home(path.parent)
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise explain_os_error(error, f"The lock {path} cannot be taken.") from error
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            raise Conflict(
                f"{what} is already under way.",
                f"Another process holds {path}.",
                "Wait for it to end.",
            ) from None
        except OSError as error:  # a network share without locks
            raise explain_os_error(error, f"The lock {path} cannot be taken.") from error
        yield handle
    finally:
        os.close(handle)
