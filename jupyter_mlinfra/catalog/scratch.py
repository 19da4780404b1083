"""Folders for rows that wait on the disk of the project. What a killed process has left of one is
deleted by whoever makes the next.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..core.files import explain_os_error

_LOCK = ".lock"


@contextmanager
def waiting_folder(staging: Path) -> Iterator[Path]:
    """An empty folder below `staging`, deleted at the end of the block. Beside it is a file that is
    locked meanwhile; the kernel frees it however the process ends.

    Raises Unavailable on a full or read-only disk.
    """
    folder = staging / uuid.uuid4().hex
    try:
        _delete_left(staging)
        handle = _locked(folder.with_suffix(_LOCK))
        folder.mkdir(mode=0o700)
    except OSError as error:
        raise explain_os_error(error, f"{folder} cannot be made.") from error
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        folder.with_suffix(_LOCK).unlink(missing_ok=True)
        os.close(handle)


def _locked(path: Path) -> int:
    """A file that no other process deletes any more."""
    while True:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.flock(handle, fcntl.LOCK_EX)
        if os.fstat(handle).st_nlink:
            return handle
        os.close(handle)  # taken for one that was left, before it was locked


def _delete_left(staging: Path) -> None:
    for path in staging.glob(f"*{_LOCK}"):
        try:
            handle = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        except OSError:  # it is gone, or another user's, who deletes it
            continue
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(path.with_suffix(""), ignore_errors=True)
            path.unlink(missing_ok=True)
        except OSError:
            pass  # its process is alive, or this user may not delete it
        finally:
            os.close(handle)
