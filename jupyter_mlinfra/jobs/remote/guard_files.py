"""What a guard gets, and what it leaves behind: small files in the attempt's folder, on a file
system that both sides see.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ...core.files import read_regular, write_regular
from ..attempt.files import Attempt

START_RECORD_BYTES, WORD_BYTES = 100_000, 1000
"""The most that is read of `begun.json`, and of a file of one word."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """How to run one attempt. Secrets are not in it: they come with the environment.

    command: as written; its program is looked for where it runs. shown: the program as the user
    wrote it. folder: where it runs. environment: of this job alone, with references to variables of
    the batch's environment. gpus: whether it should get any. token: marks its processes.
    limit_seconds: its time limit, None without one. log_bytes: the most that its log keeps.
    """

    command: Sequence[str]
    shown: str
    folder: str
    environment: Mapping[str, str]
    gpus: bool
    token: str
    limit_seconds: float | None
    grace_seconds: float
    log_bytes: int | None = None

    def write(self, attempt: Attempt) -> None:
        """Store it for the guard. In one step, but not forced to disk: a job that is sent again
        gets a new one.
        """
        replace_file(attempt.folder / "order.json", asdict(self))

    @classmethod
    def read(cls, attempt: Attempt) -> Order:
        """The stored order."""
        return cls(**json.loads(read_regular(attempt.folder / "order.json")))


def has_order(attempt: Attempt, key: str) -> bool:
    """Whether the attempt's order exists, and was sent with this key: if the remote side takes
    nothing back, calling a job off removes its order.
    """
    try:
        return Order.read(attempt).token == key
    except (OSError, ValueError, TypeError):
        return False


def call_off(attempt: Attempt, key: str, *, unless_claimed: bool = False) -> bool:
    """Remove the order, so that nothing starts the attempt any more; returns whether that
    worked.
    """
    if not has_order(attempt, key):
        return True
    order = Order.read(attempt)
    (attempt.folder / "order.json").unlink(missing_ok=True)
    if unless_claimed and attempt.claimed() is not None:
        order.write(attempt)
        return False
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class StartRecord:
    """Where an attempt runs, as reported by the guard."""

    node: str = ""
    gpu_ids: Sequence[str] = ()

    def write(self, attempt: Attempt) -> None:
        """Store it for the follower."""
        replace_file(attempt.folder / "begun.json", asdict(self))

    @classmethod
    def read(cls, attempt: Attempt) -> StartRecord:
        """The stored report; empty if there is none."""
        with contextlib.suppress(OSError, ValueError, TypeError):
            return cls(
                **json.loads(read_regular(attempt.folder / "begun.json", START_RECORD_BYTES))
            )
        return cls()


LIMIT, PARTITION_LIMIT, PREEMPTED = "limit", "limit there", "preempted"
"""Why a guard asked its command to end: the job's own time limit, that of its partition, or
preemption. They are in files that guards of running jobs have written.
"""


def write_asked(attempt: Attempt, why: str) -> None:
    """Store why the guard ended the command: one of those."""
    write_regular(attempt.folder / "asked", f"{why}\n")


def read_asked(attempt: Attempt) -> str:
    """The stored reason; empty if the command ended on its own."""
    with contextlib.suppress(OSError):
        return read_regular(attempt.folder / "asked", WORD_BYTES).decode(errors="replace").strip()
    return ""


def note_hold(attempt: Attempt, key: str) -> None:
    """Record the key of a job that we are about to hold on the remote side. Raises OSError."""
    write_regular(attempt.folder / "held", key)


def forget_hold(attempt: Attempt) -> None:
    """It is released."""
    with contextlib.suppress(OSError):
        (attempt.folder / "held").unlink()


def read_hold(attempt: Attempt) -> str:
    """The recorded key."""
    with contextlib.suppress(OSError):
        return read_regular(attempt.folder / "held", WORD_BYTES).decode(errors="replace")
    return ""


def replace_file(path: Path, value: Any) -> None:
    """Write a value as JSON in one step, readable by its owner only; not forced to disk."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        json.dump(value, file)
    draft.replace(path)
