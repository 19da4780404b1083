"""The verb that describes every column."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ...core.errors import BadRequest
from ...core.viewer import Reveal
from ..looking.profile import TIERS, Tier
from ..settings import CatalogSettings
from ..spec import Profile
from .base import Verbs


class LookingVerbs(Verbs):
    """Statistics; a base of `Catalog`."""

    def profile(
        self,
        name: str,
        *,
        tier: Tier = "sample",
        columns: Sequence[str] | None = None,
        reveal: Reveal = False,
        verb: str = "profile",
    ) -> Profile:
        """Statistics of every column, each with its basis.

        tier: footer (file statistics, no rows are read), sample (some rows), exact (all rows).
        columns: only of these; None for all. reveal: who sees values of masked columns too, which
        is recorded as `verb`; see `preview`. Computed once per snapshot.
        """
        if tier not in TIERS:
            raise BadRequest(f"{tier!r} is not a tier.", fix=f"Tiers: {', '.join(TIERS)}.")
        size = self._project.settings.of(CatalogSettings).sample_rows
        self._revealing.check(reveal)
        table = self._tables.find(self.named(name))
        found = table.profile(tier, size, reveal=bool(reveal))
        if columns is not None:
            chosen = {
                column: found.columns[column] for column in columns if column in found.columns
            }
            found = replace(found, columns=chosen)
        with table.explained():
            self._revealing.hidden(table, list(found.columns), reveal, verb=verb)
        return found
