"""The verb that describes every column."""

from __future__ import annotations

from ...core.errors import BadRequest
from ..looking.profile import TIERS, Tier
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
        from ..looking.describing import without_values

        table = self._tables.find(self.named(name))
        found = table.profile(tier, size)
        with table.explained():
            masked = table.masked(list(found.columns))
        return without_values(found, masked) if masked else found
