"""Keeps the payload logs and the cache of environments in order while deployments are up."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from ...core.project import Project
from .. import environment
from ..payload_log import compacting
from ..rows import DeploymentRow
from ..settings import DeploymentSettings
from .layout import payload_folders

COMPACT_SECONDS = 600.0


class Compaction:
    """Every `COMPACT_SECONDS`: removes old payloads, also those of deleted deployments, marks
    environments as used, and turns closed journals into Parquet.
    """

    def __init__(self, project: Project) -> None:
        self._project = project
        self._process: subprocess.Popen[bytes] | None = None
        self._last_at = time.monotonic()

    def step(self, rows: Sequence[DeploymentRow]) -> None:
        """Do what is due; returns without waiting for it."""
        if self._process is not None and self._process.poll() is None:
            return
        if time.monotonic() - self._last_at < COMPACT_SECONDS:
            return
        self._last_at = time.monotonic()
        settings, folders = self._project.settings.of(DeploymentSettings), []
        names = {row.name for row in rows}
        for folder in payload_folders(self._project):
            compacting.prune(folder, days=settings.payload_days, gib=settings.payload_gib)
            # Killed processes of a deleted deployment leave open journals: this closes them.
            if any(folder.glob("*.jsonl" if folder.name in names else "*.jsonl*")):
                folders.append(folder)
        for item in (item for row in rows for item in row.versions):
            environment.note_use(Path(item.python))
        if folders:
            self._start(folders)

    def _start(self, folders: Sequence[Path]) -> None:
        """In a separate process, so that the keeper stays small."""
        command = [
            sys.executable,
            "-P",
            "-m",
            "jupyter_mlinfra.deployments.payload_log.compacting",
            *map(str, folders),
        ]
        self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True)
