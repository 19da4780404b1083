"""Environments of their own for programs that cannot live in ours: made once, kept in `.tools`."""

from __future__ import annotations

import fcntl
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

TOOLS = Path(__file__).parents[2] / ".tools"


def interpreter(name: str, packages: Sequence[str]) -> Path:
    """The interpreter of an environment with these packages. One whose making was ended half-way is
    finished; two processes do not make it at once.
    """
    folder, wanted = TOOLS / name, "\n".join(packages)
    python, made = folder / "bin" / "python", folder / "packages.txt"
    TOOLS.mkdir(exist_ok=True)
    with (TOOLS / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if made.exists() and made.read_text() == wanted:
            return python
        uv = [sys.executable, "-m", "uv"]
        if not python.exists():
            subprocess.run([*uv, "venv", "-q", folder], check=True)
        subprocess.run([*uv, "pip", "install", "-q", "--python", python, *packages], check=True)
        made.write_text(wanted)
    return python
