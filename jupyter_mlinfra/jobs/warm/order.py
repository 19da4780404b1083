"""What passes between the supervisor and a warm runner, over one socket: what the runner is to
warm, that it is ready, the attempt that it gets.

The shell wrapper around the runner keeps the exit code, as that of a cold start does: of the
attempt that its child says it takes.
"""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

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
class Standing:
    """What a runner says once it is ready. gpu: whether a GPU job may have it. places: paths and
    times of what it was made from.

    modules: names of those that are loaded, of the top level.
    """

    gpu: bool
    places: Mapping[str, int]
    modules: Sequence[str] = ()

    def fresh(self) -> bool:
        """Whether all of that is as it was: no package was installed or removed since, no kernel
        defined anew.
        """
        return all(changed_at(place) == moment for place, moment in self.places.items())

    def stands_for(self, folders: Iterable[str]) -> bool:
        """Whether nothing in these folders would be imported in place of what is loaded. Raises
        OSError when one cannot be looked into.
        """
        return not any(_has_one_of(folder, set(self.modules)) for folder in folders)


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


def _has_one_of(folder: str, modules: Collection[str]) -> bool:
    """Whether a module or package of one of these names is there."""
    with os.scandir(folder) as entries:
        named = [entry for entry in entries if entry.name.partition(".")[0] in modules]
    return any(
        entry.name.endswith((".py", ".pyc", ".so"))
        or os.path.exists(os.path.join(entry.path, "__init__.py"))
        for entry in named
    )


def changed_at(place: str) -> int:
    """When a file or the list of a folder changed, in nanoseconds; 0 when it is not there."""
    try:
        return os.stat(place).st_mtime_ns
    except OSError:
        return 0
