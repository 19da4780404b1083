"""Peers that a benchmark starts for itself and stops again. One that cannot take part says why, and
is named as left out.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path


class Absent(Exception):
    """A peer that is not here; the text says what is missing, and how to get it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contender:
    """start: hands the work over. settle: waits until nothing of it is left that would slow down
    whoever comes next. every: takes part in each such round.
    """

    start: Callable[[], object]
    settle: Callable[[], object] = lambda: None
    every: int = 1


def until(
    look: Callable[[], object], what: str, *, seconds: float = 180, pause: float = 0.1
) -> None:
    """Wait for something. Raises TimeoutError, which names it."""
    limit = time.monotonic() + seconds
    while not look():
        if time.monotonic() > limit:
            raise TimeoutError(f"{what}: not within {seconds:.0f} s")
        time.sleep(pause)


def environment(name: str, packages: Sequence[str]) -> Path:
    """The Python of an environment that has these packages; made when it is not there. Raises
    Absent.
    """
    folder = Path(__file__).parents[2] / ".tools" / "peers" / name
    python, made = folder / "bin" / "python", folder / ".made"
    if made.exists():
        return python
    from uv import find_uv_bin

    for words in (
        ["venv", "--quiet", "--clear", "--python", sys.executable, str(folder)],
        ["pip", "install", "--quiet", "--python", str(python), *packages],
    ):
        done = subprocess.run([find_uv_bin(), *words], capture_output=True, text=True, check=False)
        if done.returncode:
            raise Absent(f"{packages[0]} cannot be installed: {done.stderr.strip()[-300:]}")
    made.touch()
    return python
