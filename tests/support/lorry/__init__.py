"""A made-up job backend of another package, with settings of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from jupyter_mlinfra.core.settings import Section

if TYPE_CHECKING:
    from jupyter_mlinfra.core.project import Project


class LorrySettings(Section):
    """`[jobs.lorry]`"""

    TABLE: ClassVar[str] = "jobs.lorry"

    depot: str = "north"
    """Where jobs are loaded."""

    axles: int = Field(default=2, ge=2)
    """Axles of a lorry."""


class Lorry:
    """Only its settings are looked at."""

    settings = LorrySettings

    def __init__(self, project: Project) -> None:
        self.configured = project.settings.of(LorrySettings)


class NoLorry:
    """Its settings are for another table."""

    class settings(Section):  # noqa: N801
        TABLE: ClassVar[str] = "jobs"
