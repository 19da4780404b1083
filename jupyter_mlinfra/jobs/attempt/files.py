"""The files of one attempt: log, claim, exit code, reason, progress. Whatever dies, they show the
state of the attempt.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...core.display import encodable, printable
from ...core.files import read_regular, read_tail, write_atomic

REASON_BYTES = 2000
LAST_BYTES = 4096
LAST_LENGTH = 200
"""The last line of a log: bytes that are read, characters that are reported."""
PROGRESS_BYTES = 10_000
CLAIM_BYTES = 100
"""A claim and an exit code are a number and a newline."""
MAX_CELLS = 1_000_000
UNCLAIMED = 113
"""Exit status of a wrapper that could not take its attempt."""


def job_folder(home: Path, job: str) -> Path:
    """The folder of a job, with one folder per attempt below it."""
    return home / "jobs" / job


def checkpoint_folder(root: Path, home: Path, job: str, own: str | None) -> Path:
    """Where a job keeps what it needs to continue: the same folder for all its attempts. own: a
    folder below the project that its spec names.
    """
    return root / own if own is not None else job_folder(home, job) / "checkpoints"


def outbox_of(home: Path, job: str) -> Path:
    """Where a job on another machine leaves its events, lineage and runs; the same for all its
    attempts, because a run may continue in the next one.
    """
    return job_folder(home, job) / "outbox"


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt's folder."""

    folder: Path

    @classmethod
    def of(cls, home: Path, job: str, number: int) -> Attempt:
        """Attempt `number` (from 1) of a job."""
        return cls(job_folder(home, job) / str(number))

    @property
    def log(self) -> Path:
        """All output of the job; opened only for appending."""
        return self.folder / "log"

    @property
    def gap(self) -> Path:
        """What is missing in the middle of the log; see `log_cap`."""
        return self.folder / "gap.json"

    @property
    def notebook(self) -> Path:
        """The task of the notebook runner; see `NotebookTask`."""
        return self.folder / "notebook.json"

    @property
    def progress(self) -> Path:
        """JSON object with `fraction` (0 to 1) and `text`, which the running program replaces in
        one step.
        """
        return self.folder / "progress.json"

    @property
    def inner_progress(self) -> Path:
        """The same for the code inside the current cell of a notebook."""
        return self.folder / "cell.json"

    @property
    def resources(self) -> Path:
        """What it used, one sample per line; see `usage`."""
        return self.folder / "resources.jsonl"

    @property
    def reason(self) -> Path:
        """Where a job may write one line on why it failed."""
        return self.folder / "reason"

    def claimed(self) -> int | None:
        """Pid of the wrapper that took the attempt, 0 if it cannot be read; None if none did.
        Created exclusively, so that no attempt is taken twice. A claim without a complete line does
        not count:

        its wrapper died, or found the disk full, before it ran anything.
        """
        try:
            text = read_regular(self.folder / "claim", CLAIM_BYTES)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError:
            return 0
        if not text.endswith(b"\n"):
            return None
        return int(text) if text.strip().isdigit() else 0

    def began_at(self) -> float | None:
        """When the attempt was taken, in seconds since 1970."""
        with contextlib.suppress(OSError):
            return (self.folder / "claim").stat().st_mtime
        return None

    def ended_at(self) -> float | None:
        """When its exit code was stored, in seconds since 1970."""
        with contextlib.suppress(OSError):
            return (self.folder / "exit").stat().st_mtime
        return None

    def exit_code(self) -> int | None:
        """The exit code that the wrapper stored; None if there is none, or only half a line."""
        with contextlib.suppress(OSError, ValueError):
            text = read_regular(self.folder / "exit", CLAIM_BYTES)
            return int(text) if text.endswith(b"\n") else None
        return None

    def own_reason(self) -> str:
        """The job's own reason for its failure; empty if it gave none."""
        with contextlib.suppress(OSError):
            return read_regular(self.reason, REASON_BYTES).decode(errors="replace").strip()
        return ""

    def last_line(self) -> str:
        """The last line of the log with any text: programs that fail usually end with the cause."""
        with contextlib.suppress(OSError):
            lines = printable(read_tail(self.log, LAST_BYTES).decode(errors="replace")).splitlines()
            return next(
                (" ".join(line.split())[:LAST_LENGTH] for line in reversed(lines) if line.strip()),
                "",
            )
        return ""

    def read_progress(self) -> tuple[float | None, str]:
        """Fraction (None if unknown) and text, including those of the current cell."""
        outer = _read(self.progress)
        fraction, text = _fraction(outer), _words(outer)
        cells = outer.get("cells")
        inner = _read(self.inner_progress) if cells else {}
        if inner and isinstance(cells, int) and 0 < cells <= MAX_CELLS and fraction is not None:
            fraction = min(1.0, fraction + (_fraction(inner) or 0.0) / cells)
            text = " · ".join(part for part in (text, _words(inner)) if part)
        return fraction, text


def write_progress(path: Path, fraction: float | None, text: str, **more: Any) -> None:
    """Replace a progress file; a reader sees the old or the new one, complete. Not synced, because
    it is worthless after a crash.
    """
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        draft.write_text(json.dumps({"fraction": fraction, "text": text, **more}))
        draft.replace(path)
    except OSError:  # a full disk must not end a training of hours because of its progress bar
        with contextlib.suppress(OSError):
            draft.unlink(missing_ok=True)


def _read(path: Path) -> dict[str, Any]:
    with contextlib.suppress(OSError, ValueError, RecursionError):
        value = json.loads(read_regular(path, PROGRESS_BYTES))
        if isinstance(value, dict):
            return value
    return {}


def _fraction(value: Mapping[str, Any]) -> float | None:
    fraction = value.get("fraction")
    if (
        isinstance(fraction, bool)
        or not isinstance(fraction, int | float)
        or not -math.inf < fraction < math.inf
    ):
        return None
    return float(min(1, max(0, fraction)))  # in this order: an int may be too large for a float


def _words(value: Mapping[str, Any]) -> str:
    text = value.get("text")
    return encodable(str(text)[:200]) if isinstance(text, str | int | float) else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class NotebookTask:
    """The task of the notebook runner, passed in a file so that no parameter appears on a command
    line. source:

    the frozen notebook. shown: its path below the project. code: the frozen copy of the folder it
    runs in. output: where the executed notebook goes; a bare name is in the attempt's folder,
    beside this file.
    """

    source: str
    shown: str
    output: str
    parameters: Mapping[str, Any]
    code: str

    def write(self, path: Path) -> None:
        """Store it where only its owner can read it."""
        write_atomic(
            path, json.dumps({name: getattr(self, name) for name in self.__slots__}).encode()
        )

    @classmethod
    def read(cls, path: Path) -> NotebookTask:
        """The stored task."""
        values = json.loads(path.read_bytes())
        return cls(**{**values, "output": str(path.parent / values["output"])})


def notebook_command(python: str, task: str) -> list[str]:
    """The command that runs the task in that file."""
    # -P: a random.py beside the notebook must not replace the library's.
    return [python, "-P", "-m", "jupyter_mlinfra.jobs.inside.notebook", task]
