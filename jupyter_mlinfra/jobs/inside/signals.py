"""The signals that ask a job to save its work and end: SIGTERM and SIGUSR1, unless
MLINFRA_PREEMPT_SIGNALS names others.
"""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Mapping
from pathlib import Path

from ...core.errors import BadRequest
from ...core.variables import PREEMPT_SIGNALS

# A supervisor or a cluster that wants its machine back; Slurm's first warning.
_USUAL = "SIGTERM,SIGUSR1"
_DEAF = (signal.SIGKILL, signal.SIGSTOP)


def preempt_signals(environment: Mapping[str, str] | None = None) -> tuple[signal.Signals, ...]:
    """The signals named in the environment (that of this process by default), separated by commas;
    `TERM` stands for SIGTERM.

    Raises BadRequest if a name is not that of a signal that can be caught.
    """
    text = (os.environ if environment is None else environment).get(PREEMPT_SIGNALS) or _USUAL
    return tuple(
        dict.fromkeys(_signal(name.strip().upper()) for name in text.split(",") if name.strip())
    )


def _signal(name: str) -> signal.Signals:
    full = name if name.startswith("SIG") else f"SIG{name}"
    if full not in signal.Signals.__members__:
        raise BadRequest(
            f"{PREEMPT_SIGNALS} names {name}.",
            "There is no such signal.",
            "For example SIGTERM,SIGUSR1.",
        )
    if signal.Signals[full] in _DEAF:
        raise BadRequest(
            f"{PREEMPT_SIGNALS} names {name}.",
            "No process can catch it.",
            "For example SIGTERM,SIGUSR1.",
        )
    return signal.Signals[full]


def catches(pid: int, number: int) -> bool:
    """Whether a process has a handler for a signal; False if that is unknown."""
    with contextlib.suppress(OSError, ValueError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("SigCgt:"):
                return bool(int(line.split()[1], 16) >> (number - 1) & 1)
    return False
