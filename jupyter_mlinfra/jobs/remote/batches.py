"""What is stored about a batch: where it was sent, and which jobs it contains. Files beside the
jobs' folders, for both sides.
"""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from ...core.files import read_regular, read_tail
from .guard_files import replace_file

KEPT_SECONDS = 7 * 86_400.0
"""How long a batch without remaining jobs is remembered: something of it may still arrive."""
OUTPUT_BYTES = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Shipment:
    """A batch. cluster: where it was sent, empty if unknown. jobs: ids by their index in it; empty
    for an unused index.
    """

    cluster: str
    jobs: Sequence[str]

    def write(self, jobs: Path, name: str) -> None:
        """Store it. jobs: folder of all jobs."""
        path = _folder(jobs) / f"{name}.json"
        path.parent.mkdir(exist_ok=True)
        replace_file(path, asdict(self))

    @classmethod
    def read(cls, jobs: Path, name: str) -> Shipment | None:
        """The stored batch; None if there is none."""
        with contextlib.suppress(OSError, ValueError, TypeError):
            return cls(**json.loads(read_regular(_folder(jobs) / f"{name}.json")))
        return None


def output_path(jobs: Path, name: str, index: int | str) -> Path:
    """Where the remote side itself may write about a job that was sent with a key; not the job's
    log.
    """
    return _folder(jobs) / f"{name}-{index}.log"


def last_output(jobs: Path, key: str) -> str:
    """The end of that file."""
    name, _, index = key.split(".")
    with contextlib.suppress(OSError):
        return (
            read_tail(output_path(jobs, name, index), OUTPUT_BYTES).decode(errors="replace").strip()
        )
    return ""


def tidy(jobs: Path, names: Collection[str]) -> None:
    """Remove what is old and of no batch in `names`."""
    limit = time.time() - KEPT_SECONDS
    with contextlib.suppress(OSError):
        for path in _folder(jobs).iterdir():
            if path.stem.partition("-")[0] not in names and path.stat().st_mtime < limit:
                path.unlink(missing_ok=True)


def _folder(jobs: Path) -> Path:
    return jobs / "batches"
