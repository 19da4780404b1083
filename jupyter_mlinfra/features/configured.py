"""feature_store.yaml as it is now, for look-ups: each asks for it, and few come after a change."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from .repo import YAML, configuration, folder

if TYPE_CHECKING:
    from ..core.project import Project

    type Mark = tuple[int, ...] | None

_SETTLED_NS = 1_000_000_000
"""A file that changed so long ago shows the next change in its times, whatever the disk counts."""


class Configured:
    """The configuration of one project; thread-safe. What it returns must not be changed."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._file = str(folder(project) / YAML)
        self._kept: tuple[Mark, Mapping[str, Any]] | None = None

    def now(self) -> Mapping[str, Any]:
        """As `configuration`; the same object until the file changes. Raises as it does."""
        mark, kept = self._mark(), self._kept
        if kept is not None and kept[0] == mark:
            return kept[1]
        self._kept = None
        found = configuration(self._project)
        if self._mark() == mark and self._is_settled(mark):
            self._kept = mark, found
        return found

    def _mark(self) -> Mark:
        try:
            stat = os.stat(self._file)
        except OSError:
            return None
        return stat.st_mtime_ns, stat.st_ctime_ns, stat.st_size, stat.st_ino

    def _is_settled(self, mark: Mark) -> bool:
        """Whether neither the file nor a variable of the environment that it names can change
        without another mark.
        """
        if mark is None:
            return True
        if time.time_ns() - max(mark[:2]) < _SETTLED_NS:
            return False
        try:
            with open(self._file, encoding="utf-8", errors="replace") as file:
                return "$" not in file.read()
        except OSError:  # it was just taken away
            return False
