"""Messages between the supervisor and a warm runner, over one socket: what to warm, that it is
ready, the attempt that it gets.

The shell wrapper around the runner stores the exit code, as in a cold start, for the attempt that
its child announces.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from ...notebooks.warm.standing import Standing

WORD = 3
"""Number of the socket in the runner."""

# 1. Run the runner; its output is the folder of the attempt that it is about to take. 2. Survive
# SIGTERM until the runner has ended. 3. Store its exit code if the claim there is ours: the attempt
# of another wrapper is not ours to report.
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
    """What a runner prepares. sockets: how the paths of its kernel's sockets begin. notebooks:
    whose imports are run, if `imports` names none.
    """

    kernel: str
    sockets: str
    imports: Sequence[str]
    notebooks: Sequence[str]

    def dump(self) -> str:
        """As one command-line argument."""
        return json.dumps(asdict(self))


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """An attempt for a runner. It holds an environment, so it is sent only through the socket."""

    folder: str
    cwd: str
    task: str
    environment: Mapping[str, str]


def dump(message: Standing | Order) -> bytes:
    """As one line."""
    return json.dumps(asdict(message)).encode() + b"\n"


def parse(line: bytes) -> Any:
    """What `dump` made, as a mapping; None for an incomplete line."""
    return json.loads(line) if line.endswith(b"\n") else None
