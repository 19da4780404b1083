"""What models have counted by their own metrics, asked of the serving processes on this machine."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from ..gateway import cluster_name
from .envoy import admin
from .process_table import ProcessRow

SECONDS = 1.0
"""For the answer of a process; one that is stuck is left out."""

_AT_ONCE = 16
_OURS = "mlinfra_"


def asked(folder: Path, rows: Sequence[ProcessRow]) -> list[str]:
    """The texts of the processes that answer, in the format of Prometheus. folder: of their
    sockets.
    """
    names = [f"{cluster_name(row.deployment, row.version)}.{row.slot}.sock" for row in rows]
    present = [name for name in names if (folder / name).exists()]
    if not present:
        return []
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        # A short path, however deep the project's folder is.
        paths = [f"/proc/self/fd/{handle}/{name}" for name in present]
        with ThreadPoolExecutor(min(_AT_ONCE, len(paths))) as pool:
            found = list(pool.map(_text, paths))
    finally:
        os.close(handle)
    return [text for text in found if text]


def merged(texts: Iterable[str]) -> str:
    """The texts of several processes as one, each name once and of one kind. Names of ours are
    left out.
    """
    kinds: dict[str, str] = {}
    samples: dict[str, list[str]] = {}
    for text in texts:
        name, is_kept = "", True
        for line in text.split("\n"):  # a label may hold what else ends a line
            if line.startswith("# TYPE "):
                name, kind = line.removeprefix("# TYPE ").split(" ", 1)
                is_kept = kinds.setdefault(name, kind) == kind
            elif line and is_kept:
                samples.setdefault(name, []).append(line)
    return "".join(
        f"# HELP {name} Counted by the model itself.\n# TYPE {name} {kind}\n"
        + "".join(f"{line}\n" for line in samples.get(name, ()))
        for name, kind in sorted(kinds.items())
        if not name.startswith(_OURS)
    )


def _text(path: str) -> str:
    return (admin.get(path, "/metrics", timeout=SECONDS) or b"").decode()
