"""Who keeps others from writing to a file of SQLite."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

_LOCKS = Path("/proc/locks")
_SIGNS = 60


def holder_of(file: Path) -> str:
    """The process that has locked a file of SQLite for writing, as `process 4711 (python a.py)`;
    empty where the system does not tell (another machine, another system than Linux).

    Source: `man 5 proc_locks`. In WAL mode the lock of a writer is on the file `-shm`.
    """
    inodes = dict[str, str]()
    for name in (str(file), f"{file}-shm"):
        with contextlib.suppress(OSError):
            inodes[str(os.stat(name).st_ino)] = name
    try:
        lines = _LOCKS.read_text().splitlines()
    except OSError:
        return ""
    for line in lines:
        words = line.split()  # number, kind, ADVISORY, WRITE, process, device:inode, from, to
        if len(words) == 8 and words[1] == "POSIX" and words[3] == "WRITE":
            held = inodes.get(words[5].rpartition(":")[2])
            if held is not None and _has_open(words[4], held):
                return _said(words[4])
    return ""


def _has_open(process: str, file: str) -> bool:
    """Whether it has that file and not one of another disk with the same number."""
    folder = f"/proc/{process}/fd"
    try:
        return any(_leads(f"{folder}/{handle}", file) for handle in os.listdir(folder))
    except OSError:
        return False


def _leads(link: str, file: str) -> bool:
    try:
        return os.path.samefile(link, file)
    except OSError:
        return False


def _said(process: str) -> str:
    if process == str(os.getpid()):
        return "this process itself"
    try:
        words = Path(f"/proc/{process}/cmdline").read_bytes().decode(errors="replace").split("\0")
    except OSError:
        return f"process {process}"
    return f"process {process} ({_program(words)})"


def _program(words: list[str]) -> str:
    """What runs, without its arguments, which may hold a password."""
    program = Path(words[0]).name
    if program.startswith("python") and len(words) > 2 and words[1] == "-m":
        program += f" -m {words[2]}"
    elif program.startswith("python") and len(words) > 1 and not words[1].startswith("-"):
        program += f" {Path(words[1]).name}"
    return program[:_SIGNS]
