"""The end of a log, for the person who has to correct what failed."""

from __future__ import annotations

import contextlib
import os
import re
from pathlib import Path

from ..core.passwords import HIDDEN, without_passwords
from ..core.secrets import is_named_like_secret

LINES, CHARACTERS = 40, 4_000
"""What is shown at most."""

_READ_BYTES = 64_000
_SEARCHED = 4 * CHARACTERS
_LEAST_SECRET = 6
"""Shorter values of the environment are words of any log: `true`, `8080`."""

_ASSIGNED = re.compile(
    r"(?<![\w.-])(?P<name>[\w.-]{1,80})(?P<sign>['\"]?\s*[=:]\s*)(?P<value>'[^']*'|\"[^\"]*\"|[^\s,;)}]+)"
)


def tail(text: str) -> str:
    """The last lines of a text, without secrets: those in addresses, values that are assigned to
    the name of a secret, and values of such variables of this process.
    """
    lines = [line.rstrip() for line in text.splitlines() if line.strip()]
    shown = without_passwords("\n".join(lines[-LINES:])[-_SEARCHED:])
    for name, value in os.environ.items():
        if len(value) >= _LEAST_SECRET and is_named_like_secret(name):
            shown = shown.replace(value, HIDDEN)
    return _ASSIGNED.sub(_hidden, shown)[-CHARACTERS:]


def newest_tail(logs: Path, pattern: str) -> str:
    """The end of the file of that pattern that was written last; empty without one."""
    with contextlib.suppress(OSError, ValueError):
        log = max(logs.glob(pattern), key=lambda path: path.stat().st_mtime)
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - _READ_BYTES))
            return tail(file.read().decode(errors="replace"))
    return ""


def _hidden(found: re.Match[str]) -> str:
    if not is_named_like_secret(found["name"]):
        return found[0]
    return f"{found['name']}{found['sign']}{HIDDEN}"
