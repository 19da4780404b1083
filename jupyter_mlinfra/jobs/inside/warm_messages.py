"""What passes between the supervisor and a warm runner, over one socket: what the runner is to
warm, that it is ready, the attempt that it gets.

The shell wrapper around the runner keeps the exit code, as that of a cold start does: of the
attempt that its child says it takes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from ...notebooks.warm.standing import Standing

WORD = 3
"""Number of the socket in the runner."""

# 1. Run the runner; what it says on its output is the folder of the attempt that it is about to
# take. 2. Outlive SIGTERM until the runner has ended. 3. Keep its exit code if the claim there is
# ours: another wrapper's attempt is not ours to tell of.
WRAPPER = """
set -C
trap : TERM INT HUP QUIT USR1 USR2
folder=$(exec "$@" "$$")
code=$?
[ -n "$folder" ] && read -r taker 2>/dev/null < "$folder/claim" && [ "$taker" = "$$" ] || exit 113
[ ! -p "$folder/exit" ] || rm -f -- "$folder/exit"
echo "$code" > "$folder/exit"
exit "$code"
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Warming:
    """What a runner makes ready. sockets: how the paths of its kernel's begin. notebooks: whose
    imports are run, if `imports` names none.
    """

    kernel: str
    sockets: str
    imports: Sequence[str]
    notebooks: Sequence[str]

    def dump(self) -> str:
        """One word of a command line."""
        return json.dumps(asdict(self))


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """An attempt for a runner. It holds an environment, so it goes through the socket only."""

    folder: str
    cwd: str
    task: str
    environment: Mapping[str, str]


def dump(message: Standing | Order) -> bytes:
    """One line."""
    return json.dumps(asdict(message)).encode() + b"\n"


def parse(line: bytes) -> Any:
    """What `dump` made, as a mapping; None for what is no whole line."""
    return json.loads(line) if line.endswith(b"\n") else None
