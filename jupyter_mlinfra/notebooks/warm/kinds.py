"""When two warm kernels are interchangeable, how long they are kept, and how many. The same for
jobs and for Jupyter's own kernels.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Protocol

from ...core.processes import TOKEN
from ...core.variables import JOB, PROGRESS, PROJECT, REASON

IDLE_SECONDS = 600.0
"""How long unused kernels are kept."""
READY_SECONDS = 180.0
"""How long one may take to be ready."""
REFILL_SECONDS = 2.0
"""Pause after one was used, so that it does not share the machine with the next one's start."""
LOOK_SECONDS = 30.0
"""Between two checks of the machine's memory while any kernel is kept."""
FAILED_SECONDS = 60.0
"""Pause after one could not be prepared."""
TRIES = 3
"""Failures after which a kind is not tried again: another language, a notebook whose imports kill
the kernel.
"""
FULL = 0.9
"""If this fraction of the machine's memory is in use, none is kept."""
NOTEBOOKS = 8
"""How many of the newest notebooks' imports are run."""
KINDS = 8
# These describe a terminal, a login, a job or a pipeline step, and no import depends on them. All
# other variables must be equal.
IRRELEVANT = {
    TOKEN,
    PROJECT,
    JOB,
    PROGRESS,
    REASON,
    "MLINFRA_FAIL",
    "MLFLOW_RUN_CONTEXT",
    "CUDA_VISIBLE_DEVICES",
    "CUDA_DEVICE_ORDER",
    "PYTHONUNBUFFERED",
    "_",
    "PWD",
    "OLDPWD",
    "SHLVL",
    "TERM",
    "TERM_PROGRAM",
    "TERM_PROGRAM_VERSION",
    "TERM_SESSION_ID",
    "COLORTERM",
    "COLUMNS",
    "LINES",
    "WINDOWID",
    "PS1",
    "LS_COLORS",
    "LESSOPEN",
    "LESSCLOSE",
    "SSH_AUTH_SOCK",
    "SSH_AGENT_PID",
    "SSH_CLIENT",
    "SSH_CONNECTION",
    "SSH_TTY",
    "XDG_SESSION_ID",
    "JPY_PARENT_PID",
    "JPY_SESSION_NAME",
    "PYTEST_CURRENT_TEST",
    "CLICOLOR",
    "CLICOLOR_FORCE",
    "FORCE_COLOR",
    "PAGER",
    "GIT_PAGER",
}


def key_of(command: object, environment: Mapping[str, str]) -> str:
    """Equal for interchangeable kernels. command: the command line, as plain values."""
    counted = sorted((name, value) for name, value in environment.items() if name not in IRRELEVANT)
    return blake2b(
        repr((command, counted)).encode(errors="surrogateescape"), digest_size=16
    ).hexdigest()


def hangs_on_folder(environment: Mapping[str, str]) -> bool:
    """Whether Python looks for modules relative to its start folder. A kernel that is started
    before its folder is known cannot do that.
    """
    path = environment.get("PYTHONPATH", "")
    return path != "" and not all(map(os.path.isabs, path.split(os.pathsep)))


def folders_before(folder: str, environment: Mapping[str, str]) -> list[str]:
    """Where a kernel in this folder looks for modules before the installed packages."""
    named = [
        path for path in environment.get("PYTHONPATH", "").split(os.pathsep) if os.path.isdir(path)
    ]
    return [
        folder,
        *(
            path
            for path in named
            if os.path.basename(os.path.realpath(path)) not in ("site-packages", "dist-packages")
        ),
    ]


def resident(pid: int) -> int:
    """Resident memory of a process in bytes; shared memory counts for each process."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError):
        return 0


class Failing(Protocol):
    """A kind of kernels. failures: in a row."""

    failures: int


class Kept(Protocol):
    """A kernel that is kept warm. key: of its kind."""

    key: str


def note_kind[K: Failing](kinds: dict[str, K], key: str, kind: K) -> None:
    """Such a kernel was asked for: the newest kind is the last, and only `KINDS` stay."""
    kinds.pop(key, None)
    kinds[key] = kind
    while len(kinds) > KINDS:
        del kinds[next(iter(kinds))]


def next_kind[K: Kept](
    kinds: Mapping[str, Failing], kernels: Sequence[K], size: int
) -> tuple[str, K | None] | None:
    """The kind to start now, of the `size` that were asked for last, and the kernel that ends for
    it, of a kind that is no longer among them. None if nothing is to be started.
    """
    newest = [key for key, kind in kinds.items() if kind.failures < TRIES][-size:] if size else []
    if not newest:
        return None
    if len(kernels) < size:
        return newest[-1], None
    other = next((kernel for kernel in kernels if kernel.key not in newest), None)
    if other is None or any(kernel.key == newest[-1] for kernel in kernels):
        return None
    return newest[-1], other
