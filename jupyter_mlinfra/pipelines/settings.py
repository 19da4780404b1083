"""Settings of the pipelines."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from ..core.settings import Section


class PipelineSettings(Section):
    """`[pipelines]`"""

    TABLE: ClassVar[str] = "pipelines"

    max_parallel: int = Field(default=0, ge=0)
    """Steps at a time; 0 = as many as the job backend has slots for."""
