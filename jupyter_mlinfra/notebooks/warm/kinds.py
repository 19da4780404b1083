"""What makes two warm kernels alike, and how long and how many are kept: the same for jobs and for
Jupyter's own kernels.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from hashlib import blake2b
from pathlib import Path

from ...core.processes import TOKEN
from ...core.variables import JOB, PROGRESS, PROJECT, REASON

IDLE_SECONDS = 600.0
"""How long they are kept that nobody asks for."""
READY_SECONDS = 180.0
"""How long one may take to be ready."""
REFILL_SECONDS = 2.0
"""Pause after one was given away: the start that it was for has the machine to itself."""
LOOK_SECONDS = 30.0
"""Between two looks at the machine's memory while any is kept."""
FAILED_SECONDS = 60.0
"""Pause after one could not be made ready."""
TRIES = 3
"""Failures after which those of a kind are given up: another language, a notebook whose imports
kill the kernel.
"""
FULL = 0.9
"""Part of the machine's memory in use from which none is kept."""
NOTEBOOKS = 8
"""Whose imports are run: the last ones."""
KINDS = 8
# They tell of a terminal, a login, a job or a step of a pipeline, and nothing that is imported goes
# by them. All other variables have to be equal.
OF_NO_MATTER = {
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
    """Equal for kernels of which one can stand in for the other. command: what is run, of plain
    values.
    """
    counted = sorted(
        (name, value) for name, value in environment.items() if name not in OF_NO_MATTER
    )
    return blake2b(
        repr((command, counted)).encode(errors="surrogateescape"), digest_size=16
    ).hexdigest()


def hangs_on_folder(environment: Mapping[str, str]) -> bool:
    """Whether Python looks for modules relative to the folder that it is started in: a kernel that
    is started before its folder is known cannot.
    """
    path = environment.get("PYTHONPATH", "")
    return path != "" and not all(map(os.path.isabs, path.split(os.pathsep)))


def folders_before(folder: str, environment: Mapping[str, str]) -> list[str]:
    """Where a kernel in this folder looks for modules before it looks among the installed
    packages.
    """
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
    """Bytes of memory that a process holds; what it shares with others counts for each."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError):
        return 0
