"""The catalog that is the project's own SQLite file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ..settings import CatalogSettings

if TYPE_CHECKING:
    from ...core.project import Project


class Embedded:
    """Where it is, and whether the project has none because the settings name another catalog."""

    def __init__(self, project: Project) -> None:
        self._project = project
        settings = project.settings.of(CatalogSettings)
        self.is_used = not settings.uri and "type" not in settings.properties

    @property
    def file(self) -> Path:
        """The file, which the first write makes. Raises Unavailable if the project has no place for
        it.
        """
        return self._project.home / "catalog.db"
