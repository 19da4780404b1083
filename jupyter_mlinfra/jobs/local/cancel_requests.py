"""Requests to the supervisor to end a job, for when `state.db` cannot be written: in memory, so
that a full disk does not keep a job alive.

A request stays until the job's end is recorded, also for the next supervisor; a reboot ends both.
"""

from __future__ import annotations

import contextlib
import os
from functools import cached_property
from pathlib import Path

from ...core.files import read_regular, write_atomic
from ...core.runtime_folder import runtime_folder

_SUFFIX = ".cancel"
_BYTES = 1000


class CancelRequests:
    """The cancel requests of one project."""

    def __init__(self, home: Path) -> None:
        self._home = home

    @cached_property
    def _folder(self) -> Path:
        return runtime_folder(self._home)

    def leave(self, job: str, user: str) -> None:
        """Request the end of a job for a user. Raises Unavailable if not even memory has room."""
        write_atomic(self._folder / f"{job}{_SUFFIX}", user.encode())

    def read(self) -> dict[str, str]:
        """Jobs that are to end, and who requested it."""
        found, names = dict[str, str](), list[str]()
        with contextlib.suppress(FileNotFoundError):  # the folder was removed
            names = os.listdir(self._folder)  # not glob: every round of the supervisor calls this
        for name in names:
            if name.endswith(_SUFFIX):
                with contextlib.suppress(OSError):  # just carried out
                    found[name.removesuffix(_SUFFIX)] = read_regular(
                        self._folder / name, _BYTES
                    ).decode(errors="replace")
        return found

    def forget(self, job: str) -> None:
        """The job's end has been recorded."""
        (self._folder / f"{job}{_SUFFIX}").unlink(missing_ok=True)
