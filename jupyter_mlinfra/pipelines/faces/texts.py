"""Which parameters of a pipeline are text: `-p zip=02134` keeps its zero."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ...core.project import Project


def texts_in(project: Project, pipeline: str) -> frozenset[str]:
    """Names of the parameters of a pipeline that are text."""
    from .. import texts_of

    return texts_of(project.root, project.home, pipeline) if pipeline else frozenset()
