"""Which payload logs there are, without the verbs of deployments and what these load."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from .rows import read_names
from .targets.layout import payload_folder

if TYPE_CHECKING:
    from ..core.project import Project


def payload_logs(project: Project) -> Mapping[str, Path]:
    """The folders of the payload logs by deployment, in order of name. One that has never served
    has none yet.
    """
    with project.database.read() as connection:
        return {name: payload_folder(project, name) for name in read_names(connection)}
