"""The address of a daemon. Its lock decides who it is; this only says how to reach its holder."""

from __future__ import annotations

import contextlib
import json
import os
import socket
from dataclasses import asdict, dataclass, replace
from hashlib import blake2b
from pathlib import Path
from typing import Any, Protocol

from ..database import newest_revision
from ..files import write_atomic
from ..processes import Identity, boot_id, start_ticks


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """The daemon that was started last. socket: where it listens. settings: digest of what it was
    started with; if it differs, the daemon must be replaced. host: name of its machine, for a
    daemon that may run on several. stopped: a user asked it to end; only a user's request starts
    another one.
    """

    process: Identity
    socket: str
    settings: str
    host: str = ""
    stopped: bool = False


class Registry[R: Registration](Protocol):
    """Where a daemon records its address."""

    def read(self) -> R | None:
        """The last one, None before the first."""

    def mark(self, *, stopped: bool) -> None:
        """Record whether a user wants no such daemon."""


class FileRegistry:
    """A registry in a file."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> Registration | None:
        """The last one, on any machine; None if there is none, or it cannot be read."""
        with contextlib.suppress(OSError, ValueError, TypeError, KeyError):
            values = json.loads(self._path.read_bytes())
            return Registration(**{**values, "process": Identity(**values["process"])})
        return None

    def write(self, entry: Registration) -> None:
        """Replace the entry."""
        write_atomic(self._path, json.dumps(asdict(entry)).encode())

    def mark(self, *, stopped: bool) -> None:
        """Record whether a user wants no such daemon; does nothing without an entry."""
        if (entry := self.read()) is not None:
            self.write(replace(entry, stopped=stopped))

    def remove(self) -> None:
        """Remove the entry: the daemon no longer counts as running."""
        self._path.unlink()

    def exists(self) -> bool:
        """Whether there is an entry."""
        return os.path.exists(self._path)


def own_registration(socket_path: Path, settings: str) -> Registration:
    """The address of this process."""
    return Registration(
        process=own_identity(),
        socket=str(socket_path),
        settings=settings,
        host=socket.gethostname(),
    )


def own_identity() -> Identity:
    """Who this process is."""
    return Identity(boot_id(), os.getpid(), start_ticks(os.getpid()) or 0)


def settings_digest(facts: Any) -> str:
    """A digest of what a daemon is started with, and of the schema that its code knows: one
    of an older version must not go on writing.
    """
    return blake2b(
        json.dumps([facts, newest_revision()], default=str).encode(), digest_size=8
    ).hexdigest()
