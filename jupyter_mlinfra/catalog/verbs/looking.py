"""The verb that describes every column."""

from __future__ import annotations

from ...core.errors import BadRequest
from ..names import DatasetName
from ..profile import TIERS, Tier
from ..settings import CatalogSettings
from ..spec import Profile
from .base import Verbs


class LookingVerbs(Verbs):
    """Statistics; a base of `Catalog`."""

    def profile(self, name: str, *, tier: Tier = "sample") -> Profile:
        """Statistics of every column, each with its basis.

        tier: footer (file statistics, no rows are read), sample (some rows), exact (all rows).
        Computed once per snapshot.
        """
        if tier not in TIERS:
            raise BadRequest(f"{tier!r} is not a tier.", fix=f"Tiers: {', '.join(TIERS)}.")
        size = self._project.settings.of(CatalogSettings).sample_rows
        return self._tables.find(DatasetName.parse(name)).profile(tier, size)
