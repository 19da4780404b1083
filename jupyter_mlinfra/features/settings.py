"""Settings of the features."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from pydantic import Field

from ..core.settings import Section


class FeatureSettings(Section):
    """`[features]`"""

    TABLE: ClassVar[str] = "features"

    repo: str = "feature_repo"
    """Folder of the Feast feature repository, below the project."""

    apply_minutes: float = Field(default=10.0, gt=0)
    """Minutes after which `apply` is given up: a definition file that never ends would hold all
    others.
    """

    as_of: datetime | None = None
    """Time at which online values are judged against their ttl; empty = the clock. For work on
    historical data.
    """

    skew_sample: int = Field(default=1000, ge=1, le=10_000)
    """Keys whose online values `features check` compares with the source."""
