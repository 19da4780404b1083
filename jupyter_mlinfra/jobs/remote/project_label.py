"""What distinguishes the jobs of a project from all others on the remote side."""

from __future__ import annotations

import contextlib
import os
import secrets
from hashlib import blake2b
from typing import TYPE_CHECKING

from ...core.files import write_atomic

if TYPE_CHECKING:
    from ...core.project import Project


def mark_of(project: Project, backend: str) -> str:
    """The project's mark: on a hub, everybody's project may have the same path."""
    path = project.folder("jobs") / f"{backend}.id"
    if not path.exists():
        draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
        write_atomic(draft, secrets.token_hex(8).encode())
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)
        draft.unlink()
    return blake2b(path.read_bytes() + os.fsencode(project.home), digest_size=8).hexdigest()
