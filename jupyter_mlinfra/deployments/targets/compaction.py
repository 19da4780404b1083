"""Keeps the logs and the cache of environments in order while deployments are up."""

from __future__ import annotations

import math
import subprocess
import sys
import time
from collections.abc import Sequence
from itertools import islice
from pathlib import Path

from ...core.project import Project
from .. import environment
from ..gateway import cluster_name
from ..payload_log import compacting
from ..payload_log.journals import PARQUET
from ..rows import DeploymentRow
from ..settings import DeploymentSettings
from . import worker_logs
from .layout import logs_folder, payload_folders

COMPACT_SECONDS = 600.0
MERGE_SECONDS = 6 * 3600.0
"""So often the files of a quiet log are merged: of one in which no journal was closed."""


class Compaction:
    """Every `COMPACT_SECONDS`: removes old payloads, also those of deleted deployments, and what
    versions that are gone have printed, marks environments as used, and turns closed journals into
    Parquet, whose small files it merges. Every `MERGE_SECONDS`, and at the first time, it merges
    those of quiet logs too.
    """

    def __init__(self, project: Project) -> None:
        self._project = project
        self._process: subprocess.Popen[bytes] | None = None
        self._last_at = time.monotonic()
        self._merged_at = -math.inf

    def step(self, rows: Sequence[DeploymentRow]) -> None:
        """Do what is due; returns without waiting for it."""
        if self._process is not None and self._process.poll() is None:
            return
        if time.monotonic() - self._last_at < COMPACT_SECONDS:
            return
        self._last_at = time.monotonic()
        settings, folders = self._project.settings.of(DeploymentSettings), []
        names = {row.name for row in rows}
        merging = time.monotonic() - self._merged_at >= MERGE_SECONDS
        for folder in payload_folders(self._project):
            compacting.prune(folder, days=settings.payload_days, gib=settings.payload_gib)
            # Killed processes of a deleted deployment leave open journals: this closes them.
            journals = any(folder.glob("*.jsonl" if folder.name in names else "*.jsonl*"))
            if journals or (merging and _has_parts(folder)):
                folders.append(folder)
        if merging:
            self._merged_at = time.monotonic()
        versions = [item for row in rows for item in row.versions]
        for item in versions:
            environment.note_use(Path(item.python))
        clusters = {cluster_name(item.deployment, item.version) for item in versions}
        worker_logs.remove_others(logs_folder(self._project), clusters)
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


def _has_parts(folder: Path) -> bool:
    """Whether there are two files that could be merged."""
    return len([*islice((folder / PARQUET).glob("*.parquet"), 2)]) == 2
